"""Which strategy is better, by how much, and is it luck: many strategies under one protocol.

python classification/compare.py --config runs/comparisons/frozen.yml [--seeds 10 ...]
python classification/compare.py --datasets data/processed/mine --strategies margin badge
python classification/compare.py --results FOLDER FOLDER ...

The last form plays nothing: it puts results of several comparisons together in --output, if they
have the same pools, tests and protocol. From Python: `ActiveLearningComparison`.
"""

import sys
from dataclasses import fields
from pathlib import Path
from typing import Any

if not __package__:  # run by path: classification/ must not stay on sys.path
    sys.path[0] = str(Path(__file__).resolve().parents[1])

from classification.cli import options_parser, run
from classification.config_compare import CompareConfig
from classification.settings import read_typed


def parse(words: list[str]) -> tuple[CompareConfig, list[Path]]:
    """The configuration, and folders whose results are to be put together."""
    parser = options_parser(CompareConfig, description=__doc__)
    parser.add_argument("--config", type=Path, help="YAML with any of these fields.")
    parser.add_argument(
        "--results", nargs="*", type=Path, default=[], help="Folders with results to put together."
    )
    file = parser.parse_args(words).config
    if file is not None:
        typed = read_typed(CompareConfig, file)
        parser.set_defaults({k: list(v) if isinstance(v, tuple) else v for k, v in typed.items()})
    parsed = parser.parse_args(words)
    given = {f.name: getattr(parsed, f.name) for f in fields(CompareConfig)}
    values: dict[str, Any] = {
        name: tuple(value) if isinstance(value, list) else value for name, value in given.items()
    }
    return CompareConfig(**values), parsed.results


def main() -> None:
    """Entry point."""
    run(lambda: _compare(*parse(sys.argv[1:])))


def _compare(config: CompareConfig, folders: list[Path]) -> None:
    from classification.comparison.compare import compare

    if folders:
        _put_together(config, folders)
    else:
        compare(config)


def _put_together(config: CompareConfig, folders: list[Path]) -> None:
    from classification.comparison.combine import combine
    from classification.comparison.compare import conclude
    from classification.paths import ComparisonPaths

    for note in combine(folders, config.output).notes:
        print(f"note: {note}")
    paths = ComparisonPaths(config.output)
    conclude(paths, score=config.score, target=config.target or None)


def __getattr__(name: str) -> Any:
    """`ActiveLearningComparison`, imported when it is first asked for."""
    if name != "ActiveLearningComparison":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from classification.comparison.runner import ActiveLearningComparison

    return ActiveLearningComparison


if __name__ == "__main__":
    main()
