"""Command lines out of dataclasses: one declaration is signature, option and ``--help``."""

import sys
from argparse import Action
from collections.abc import Callable, Sequence
from dataclasses import MISSING, fields
from importlib import import_module
from typing import Any, Literal, NoReturn, TypeVar, get_args, get_origin, get_type_hints

import docstring_parser
from jsonargparse import ArgumentParser, set_parsing_settings

from classification.errors import FieldmarkError

set_parsing_settings(docstring_parse_attribute_docstrings=True)

T = TypeVar("T")


def field_docs(options: type) -> dict[str, str]:
    """The docstring under each field of a dataclass, on one line."""
    parsed = docstring_parser.parse_from_object(options)
    return {p.arg_name: " ".join((p.description or "").split()) for p in parsed.params}


def options_parser(
    options: type, *, positional: Sequence[str] = (), description: str | None = None
) -> ArgumentParser:
    """A parser with a ``--dash-name`` per field of `options`, a flat frozen dataclass.

    ``list`` fields take several words, and those that are empty by default may be given several
    times, which together stand in place of what a file says; ``bool`` fields are ``--x/--no-x``
    switches. A field with ``metadata={"short": "r"}`` may also be given as ``-r``, and with
    underscores in its long name; a ``bool`` one also with ``true`` or ``false``.
    """
    parser = ArgumentParser(description=description or options.__doc__, allow_abbrev=False)
    hints, docs = get_type_hints(options), field_docs(options)
    for field in fields(options):
        required = field.default is MISSING and field.default_factory is MISSING
        default = None if required else _default(field)
        _add_option(
            parser,
            field.name,
            hints[field.name],
            default=default,
            required=required,
            positional=field.name in positional,
            short=field.metadata.get("short", ""),
            help=docs.get(field.name, ""),
        )
    return parser


def run_step(options: type[T], target: str, *, positional: Sequence[str] = ()) -> NoReturn:
    """Parse the command line into `options` and call `target` (``module:function``) with it.

    The module is imported after parsing, so that ``--help`` needs no heavy package.
    """
    description = (sys.modules["__main__"].__doc__ or "").strip() or None
    parser = options_parser(options, positional=positional, description=description)
    parsed = parser.parse_args()
    values = {field.name: getattr(parsed, field.name) for field in fields(options)}  # type: ignore[arg-type]
    module, _, function = target.partition(":")
    run(lambda: getattr(import_module(module), function)(options(**values)))


def run(job: Callable[[], object]) -> NoReturn:
    """Run `job`; print a user's error without a traceback. Exit codes: 0, 1 error, 130 Ctrl-C."""
    try:
        job()
    except FieldmarkError as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(1)
    except KeyboardInterrupt:
        print("interrupted; run the same command again to go on", file=sys.stderr)
        sys.exit(130)
    except BrokenPipeError:  # `... | head`
        sys.exit(141)
    sys.exit(0)


def _default(field: Any) -> Any:
    return field.default if field.default is not MISSING else field.default_factory()


def _add_option(
    parser: ArgumentParser,
    name: str,
    hint: Any,
    *,
    default: Any,
    required: bool,
    positional: bool,
    short: str,
    help: str,
) -> None:
    extra: dict[str, Any] = {"help": help}
    if get_origin(hint) in (list, tuple):
        extra |= {"nargs": "+" if required else "*", "type": get_args(hint)[0]}
        default = list(default) if default is not None else None
        if default == []:
            extra["action"] = _TogetherAction
    elif hint is bool:
        extra |= {"action": _switch()} | ({"nargs": "?"} if short else {})
    else:
        extra["type"] = hint
    if get_origin(hint) is Literal:
        extra["metavar"] = "|".join(map(str, get_args(hint)))
    if positional:
        parser.add_argument(name, **extra)
        return
    if default is not None:
        extra["default"] = default
    elif required:
        extra["required"] = True
    names = [f"--{name.replace('_', '-')}"]
    if short:
        names = [*dict.fromkeys([*names, f"--{name}"]), f"-{short}"]
    parser.add_argument(*names, **extra)


class _Words(list[Any]):
    """Words of the command line, not of a file."""


class _TogetherAction(Action):
    """An option given several times: all of its words."""

    def __call__(
        self, parser: Any, namespace: Any, values: Any, option_string: str | None = None
    ) -> None:
        before = getattr(namespace, self.dest, None)
        words = [*before, *values] if isinstance(before, _Words) else values
        setattr(namespace, self.dest, _Words(words))


def _switch() -> Any:
    from jsonargparse import ActionYesNo

    return ActionYesNo(yes_prefix="", no_prefix="no-")
