"""A run's configuration from a YAML file and dotted overrides, with all faults in one error."""

import difflib
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

import yaml
from jsonargparse import ArgumentError, ArgumentParser

from classification import config as cfg
from classification.cli import options_parser
from classification.errors import FieldmarkError
from classification.files import read_yaml, write_text
from classification.paths import RunPaths

T = TypeVar("T")

_OPTIONS = "query.options."


@dataclass(frozen=True, kw_only=True)
class Override:
    """One ``--key value`` of the command line, as typed there."""

    key: str
    text: str


def parse_run(options: type[T], description: str) -> tuple[T, list[Override]]:
    """The entry point's own options, and the overrides of `RunConfig` fields beside them."""
    parser = options_parser(options, description=description)
    parser.add_class_arguments(cfg.RunConfig, None)  # for --help; overrides are taken out below
    own, overrides = split_overrides(sys.argv[1:])
    parsed = parser.parse_args(own)
    return options(**{f.name: getattr(parsed, f.name) for f in fields(options)}), overrides  # type: ignore[arg-type]


def split_overrides(arguments: Sequence[str]) -> tuple[list[str], list[Override]]:
    """Take ``--a.b value`` and ``--a.b=value`` out of `arguments`, known field or not."""
    own: list[str] = []
    overrides: list[Override] = []
    words = iter(arguments)
    for word in words:
        key, equals, text = word.removeprefix("--").partition("=")
        if word.startswith("--") and ("." in key or key in cfg.option_names()):
            overrides.append(Override(key=key, text=text if equals else next(words, "")))
        else:
            own.append(word)
    return own, overrides


def load_config(
    path: Path | None, overrides: Sequence[Override] = (), *, strategies: Sequence[str]
) -> cfg.RunConfig:
    """The checked configuration of a run; without a file, defaults and overrides.

    Raises:
        FieldmarkError: the file is missing or not YAML, or: every unknown key, wrong type and
            impossible combination of file and overrides together.
    """
    written = cfg.flatten(read_fields(path)) if path else {}
    return _load(path, written, overrides, strategies)


def load_played(
    path: Path | None, overrides: Sequence[Override] = (), *, strategies: Sequence[str]
) -> cfg.RunConfig:
    """The configuration of a run, for what is done with it between its rounds.

    train.py may have been given fields on the command line. So its dataset is the one that the
    newest round was played with, and what `path` does not say is as in that round.

    Raises:
        FieldmarkError: as `load_config`.
    """
    newest = _newest_config(path) if path and path.exists() else None
    if path is None or newest is None:
        return load_config(path, overrides, strategies=strategies)
    names, before = cfg.option_names(), cfg.flatten(read_fields(newest))
    played = {k: value for k, value in before.items() if k in names or k.startswith(_OPTIONS)}
    data = {key: value for key, value in played.items() if key.startswith("data.")}
    written = cfg.flatten(read_fields(path))
    return _load(path, played | written | data, overrides, strategies)


def _newest_config(path: Path) -> Path | None:
    run = RunPaths(path.parent)
    done = run.complete_rounds()
    config = run.round(done[-1]).config if done else None
    return config if config and config.exists() else None


def _load(
    path: Path | None,
    written: Mapping[str, Any],
    overrides: Sequence[Override],
    strategies: Sequence[str],
) -> cfg.RunConfig:
    parser = _fields_parser(cfg.RunConfig)
    given = [*written.items(), *((o.key, o) for o in overrides)]
    values, faults = typed(cfg.RunConfig, given)
    config = _build(parser, values)
    faults += cfg.problems(config, strategies=strategies)
    if faults:
        name = path or "on the command line"
        raise FieldmarkError.from_problems(f"the configuration {name} cannot be used:", faults)
    return config


def typed(options: type, given: Iterable[tuple[str, Any]]) -> tuple[dict[str, Any], list[str]]:
    """Typed values by dotted field name, the last one given counts; and all faults in words."""
    parser, names = _fields_parser(options), cfg.option_names(options)
    values: dict[str, Any] = {}
    free: dict[str, Any] = {}
    faults: list[str] = []
    for key, value in given:
        try:
            if key.startswith(_OPTIONS):  # the strategy knows their names and types
                free[key.removeprefix(_OPTIONS)] = _option(key, value)
            else:
                values[key] = _field(parser, names, key, value)
        except _FieldError as fault:
            faults.append(str(fault))
    return values | ({"query.options": free} if free else {}), faults


def read_typed(options: type, path: Path) -> dict[str, Any]:
    """The fields of `options` that a YAML file gives.

    Raises:
        FieldmarkError: the file is missing or not YAML, or every unknown key and wrong type.
    """
    values, faults = typed(options, cfg.flatten(read_fields(path)).items())
    if faults:
        raise FieldmarkError.from_problems(f"the configuration {path} cannot be used:", faults)
    return values


def read_fields(path: Path, *, what: str = "config") -> dict[str, Any]:
    """A YAML mapping; an empty file is an empty mapping.

    Raises:
        FieldmarkError: missing, not YAML, or not a mapping.
    """
    values = read_yaml(path, what=what)
    if not isinstance(values, dict | None):
        raise FieldmarkError(f"{what} must be a mapping of fields: {path}")
    return values or {}


def write_config(path: Path, config: cfg.RunConfig) -> None:
    """Write the whole configuration, defaults included, as YAML."""
    write_text(path, yaml.safe_dump(cfg.to_dict(config), sort_keys=False))


class _FieldError(Exception):
    """A field that cannot be taken as given."""


@cache
def _fields_parser(options: type) -> ArgumentParser:
    parser = ArgumentParser(exit_on_error=False)
    parser.add_class_arguments(options, None)
    return parser


def _field(parser: ArgumentParser, names: Sequence[str], key: str, value: Any) -> Any:
    """The typed value of one field, from YAML or (an `Override`) from the command line."""
    if key not in names:
        inside = [name for name in names if name.startswith(f"{key}.")]
        near = inside or difflib.get_close_matches(key, names, n=3, cutoff=0.5)
        hint = f"{key} holds" if inside else "did you mean"
        raise _FieldError(
            f"{key}: unknown field" + (f"; {hint}: {', '.join(near)}" if near else "")
        )
    try:
        if isinstance(value, Override):
            return parser.parse_args([f"--{key}={value.text}"])[key]
        return parser.parse_object({key: value})[key]
    except ArgumentError as error:
        reason = str(error).partition(":\n")[2] or str(error)
        raise _FieldError(f"{key}: {' '.join(reason.replace('typing.', '').split())}") from None


def _option(key: str, value: Any) -> Any:
    """The value of a strategy's option; one from the command line is YAML."""
    if not isinstance(value, Override):
        return value
    try:
        return yaml.safe_load(value.text)
    except yaml.YAMLError:
        raise _FieldError(f"{key}: not valid YAML: {value.text}") from None


def _build(parser: ArgumentParser, values: dict[str, Any]) -> cfg.RunConfig:
    built = parser.instantiate(parser.parse_object(values))
    return cfg.RunConfig(**{f.name: built[f.name] for f in fields(cfg.RunConfig)})
