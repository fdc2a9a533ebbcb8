"""What ``classification/registry.py`` does."""

from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from classification.errors import FieldmarkError
from classification.files import read_json
from classification.paths import StorePaths
from classification.paths.versions import ReleasePaths
from classification.tracking_store import tracking_uri
from classification.versions.champion import CHALLENGER, CHAMPION, promote, rollback
from classification.versions.comparison import compare
from classification.versions.lookup import (
    all_models,
    fetch,
    find_version,
    opened,
    parse_reference,
)
from classification.versions.options import RegistryOptions
from classification.versions.text import comparison_lines, record_lines

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities.model_registry import ModelVersion


def execute(options: RegistryOptions) -> None:
    """Run a command and print what it says.

    Raises:
        FieldmarkError: no such model, a refused promotion, or the registry does not answer.
    """
    if options.command != "list" and not options.model:
        raise FieldmarkError(
            f"{options.command} needs a model: NAME, NAME@champion or NAME/3. "
            "python classification/registry.py list shows them"
        )
    commands = {
        "list": _list,
        "show": _show,
        "promote": _promote,
        "rollback": _rollback,
        "compare": _compare,
        "export": _export,
    }
    with opened(tracking_uri(StorePaths(options.runs))) as client:
        print("\n".join(commands[options.command](client, options)))


def _list(client: "MlflowClient", options: RegistryOptions) -> list[str]:
    """Every version, newest first within its model."""
    models = sorted(all_models(client), key=lambda model: model.name)
    wanted = parse_reference(options.model).name if options.model else ""
    shown = [model for model in models if wanted in ("", model.name)]
    width = max((len(model.name) for model in shown), default=0)
    lines = []
    for model in shown:
        versions = client.search_model_versions(f"name = '{model.name}'")
        newest_first = sorted(versions, key=lambda version: -int(version.version))
        lines += [_version_line(v, model.aliases, width=width) for v in newest_first]
    return lines or ["no registered models"]


def _version_line(version: "ModelVersion", aliases: dict[str, str], *, width: int = 0) -> str:
    tags, number = version.tags, str(version.version)
    held = ", ".join(sorted(alias for alias, n in aliases.items() if str(n) == number))
    made = datetime.fromtimestamp(version.creation_timestamp / 1000, UTC)
    score = f"{float(tags['test.macro_f1']):.3f}" if "test.macro_f1" in tags else "  -  "
    return (
        f"{version.name + '/' + number:{width + 4}}  {made:%Y-%m-%d %H:%M}  macro-F1 {score}  "
        f"{tags.get('num_labels', '?'):>6} labels  test split "
        f"{tags.get('data.test_split', '-')[:8]:8}  {held}"
    ).rstrip()


def _show(client: "MlflowClient", options: RegistryOptions) -> list[str]:
    version = find_version(client, parse_reference(options.model))
    aliases = client.get_registered_model(version.name).aliases
    return [
        _version_line(version, aliases),
        version.description or "",
        *record_lines(_record(client, version)),
    ]


def _promote(client: "MlflowClient", options: RegistryOptions) -> list[str]:
    reference = parse_reference(options.model, alias=CHALLENGER)
    return [promote(client, find_version(client, reference))]


def _rollback(client: "MlflowClient", options: RegistryOptions) -> list[str]:
    name = parse_reference(options.model).name
    find_version(client, parse_reference(f"{name}@{CHAMPION}"))  # or an error that names others
    return [rollback(client, name)]


def _compare(client: "MlflowClient", options: RegistryOptions) -> list[str]:
    first = parse_reference(options.model)
    second = parse_reference(options.other or f"{first.name}@{CHALLENGER}")
    versions = find_version(client, first), find_version(client, second)
    found = compare(_record(client, versions[0]), _record(client, versions[1]))
    if found is None:
        raise FieldmarkError("one of the two was not measured on a test split: nothing to compare")
    names = tuple(f"{v.name}/{v.version}" for v in versions)
    short = tuple(f"version {v.version}" if first.name == second.name else n
                  for v, n in zip(versions, names, strict=True))  # fmt: skip
    lines = comparison_lines(found, names=short)
    legend = "difference: second minus first [95 %, locations resampled]; * leaves out 0"
    return [" and ".join(names), *lines, "", legend]


def _export(client: "MlflowClient", options: RegistryOptions) -> list[str]:
    """Weights, card, record, classes and program, and ONNX where it is wanted."""
    if options.output is None:
        raise FieldmarkError("export needs a folder: --output FOLDER")
    if options.output.exists():
        raise FieldmarkError(f"{options.output} exists: give --output another folder")
    version = find_version(client, parse_reference(options.model))
    target = ReleasePaths(options.output)
    target.root.parent.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(dir=target.root.parent) as folder:  # renamed when it is whole
        release = fetch(client, version, Path(folder) / "version", program=True)
        if options.onnx:
            _write_onnx(release)
        program, made = release.root.parent, ReleasePaths(Path(folder) / "made")
        release.root.rename(made.root)
        program.rename(made.program)
        made.root.rename(target.root)
    files = sorted(path for path in target.root.rglob("*") if path.is_file())
    lines = [f"{path}  {path.stat().st_size / 1e6:.1f} MB" for path in files]
    return [f"{version.name} version {version.version}:", *lines]


def _write_onnx(release: ReleasePaths) -> None:
    from classification.learning.model import load_classifier
    from classification.onnx_export import export_model

    export_model(release, load_classifier(release.root))


def _record(client: "MlflowClient", version: "ModelVersion") -> dict[str, Any]:
    with TemporaryDirectory() as folder:
        release = fetch(client, version, Path(folder))
        return read_json(release.record, what="record of the model version")
