"""The model registry: look, compare, promote, roll back, take out.

python classification/registry.py list
python classification/registry.py show|promote|rollback MODEL
python classification/registry.py compare MODEL [OTHER]
python classification/registry.py export MODEL --output FOLDER [--onnx]

MODEL is a name, NAME@champion, NAME@challenger or NAME/3. A version becomes champion only when it
is better than the champion on the same test split; rollback goes back to the champion before.
"""

import sys
from dataclasses import fields
from pathlib import Path

if not __package__:  # run by path: classification/ must not stay on sys.path
    sys.path[0] = str(Path(__file__).resolve().parents[1])

from classification.cli import options_parser, run
from classification.versions.options import RegistryOptions

_POSITIONS = ("--model", "--other")


def parse(arguments: list[str]) -> RegistryOptions:
    """The command line; the words after the command are the models."""
    parser = options_parser(RegistryOptions, positional=("command",), description=__doc__)
    words = arguments[:1]
    models = _leading(arguments[1:])[: len(_POSITIONS)]
    for option, word in zip(_POSITIONS, models, strict=False):
        words += [option, word]
    parsed = parser.parse_args([*words, *arguments[1 + len(models) :]])
    return RegistryOptions(**{f.name: getattr(parsed, f.name) for f in fields(RegistryOptions)})


def _leading(words: list[str]) -> list[str]:
    """Words before the first option."""
    end = next((i for i, word in enumerate(words) if word.startswith("-")), len(words))
    return words[:end]


def main() -> None:
    """Entry point."""
    options = parse(sys.argv[1:])
    from classification.versions.commands import execute

    run(lambda: execute(options))


if __name__ == "__main__":
    main()
