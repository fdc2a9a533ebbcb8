"""Labels of a run: give them in the browser, bring them in, take them out, see how they stand.

python classification/label.py serve --config runs/<model>/<experiment>/config.yml
python classification/label.py export --config runs/<model>/<experiment>/config.yml --output FILE
python classification/label.py import --config runs/<model>/<experiment>/config.yml [FILE ...]
python classification/label.py status --config runs/<model>/<experiment>/config.yml

`label.py COMMAND --help` explains the options; fields of the configuration can be overridden as in
train.py (--labels.new_classes accept).
"""

import sys
from collections.abc import Sequence
from dataclasses import dataclass, fields
from importlib import import_module
from pathlib import Path
from typing import Any

if not __package__:  # run by path: classification/ must not stay on sys.path
    sys.path[0] = str(Path(__file__).resolve().parents[1])

from classification.app.options import ServeOptions
from classification.cli import options_parser, run
from classification.labelling.options import ExportOptions, ImportOptions, StatusOptions
from classification.settings import Override, load_played, split_overrides


@dataclass(frozen=True, kw_only=True)
class Command:
    """A subcommand: its options, and ``module:function`` that takes them and the configuration."""

    options: type[Any]
    target: str
    positional: tuple[str, ...] = ()


COMMANDS = {
    "export": Command(
        options=ExportOptions, target="classification.labelling.commands:export_labels"
    ),
    "import": Command(
        options=ImportOptions,
        target="classification.labelling.commands:import_files",
        positional=("files",),
    ),
    "serve": Command(options=ServeOptions, target="classification.app.serve:serve"),
    "status": Command(
        options=StatusOptions, target="classification.labelling.commands:print_status"
    ),
}


def parse(command: Command, name: str, words: Sequence[str]) -> tuple[Any, list[Override]]:
    """The subcommand's options, and the overrides of configuration fields beside them."""
    parser = options_parser(command.options, positional=command.positional)
    parser.prog = f"label.py {name}"
    own, overrides = split_overrides(words)
    parsed = parser.parse_args(own)
    values = {f.name: getattr(parsed, f.name) for f in fields(command.options)}
    given = {k: tuple(v) if isinstance(v, list) else v for k, v in values.items() if v is not None}
    return command.options(**given), overrides


def label(command: Command, options: Any, overrides: list[Override]) -> None:
    """Load the configuration and call the subcommand."""
    from classification.query.names import ALL_NAMES

    config = load_played(options.config, overrides, strategies=ALL_NAMES)
    module, _, function = command.target.partition(":")
    getattr(import_module(module), function)(options, config)


def main() -> None:
    """Entry point."""
    name, *words = sys.argv[1:] or ["--help"]
    if name in ("-h", "--help"):
        print(f"usage: label.py {{{','.join(COMMANDS)}}} --config FILE ...\n\n{__doc__}")
        return
    if name not in COMMANDS:
        sys.exit(f"error: label.py has no command {name!r}; there are: {', '.join(COMMANDS)}")
    options, overrides = parse(COMMANDS[name], name, words)
    run(lambda: label(COMMANDS[name], options, overrides))


if __name__ == "__main__":
    main()
