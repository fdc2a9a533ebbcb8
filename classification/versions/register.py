"""Registering a model: its program, its weights and its record become a version."""

import json
import shutil
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from classification.errors import FieldmarkError
from classification.files import read_json, write_json
from classification.paths import ExportPaths
from classification.paths.versions import VersionPaths
from classification.program import save_program
from classification.versions.champion import CHALLENGER, CHAMPION, contend

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import LoggedModel, Run
    from mlflow.entities.model_registry import ModelVersion


_LONGEST_TAG = 5000  # characters; MLflow takes 100,000 by now, servers in use may be older


def register_version(
    client: "MlflowClient",
    *,
    name: str,
    run: "Run",
    export: ExportPaths,
    record: dict[str, Any],
    page: Path | None = None,
) -> str:
    """Register an exported model and move the aliases, once for each run and round.

    The version gets the alias `challenger`; it becomes `champion` when there is none, or when its
    macro-F1 on the same test split is higher. The verdict is written last, as the version's
    description: a registration that was stopped is taken up again, and aliases that people moved
    since a finished one are left alone.

    Args:
        client: connected.
        name: in the registry.
        run: MLflow's run the model came from.
        export: the model's folder.
        record: what `version_record` says of it.
        page: the run's model card for people, kept with the version where it was written.

    Returns:
        One line for a person: version, aliases and why, or why the network is not in the
        registry; empty if it was registered before.
    """
    card = read_json(export.card, what="model card")
    version = _find_version(client, name, run, number=card["round"])
    if version is None:
        with TemporaryDirectory() as folder:
            made = VersionPaths(Path(folder) / "model")
            try:
                save_program(export, made.root)
            except (OSError, FieldmarkError):
                raise
            except Exception as error:  # torch.export has no base class for what it cannot trace
                client.log_artifacts(run.info.run_id, str(export.root), "export")
                return _not_exported(card, error)
            shutil.copytree(export.root, made.release.root)
            write_json(made.release.record, record)
            if page and page.is_file():
                shutil.copyfile(page, made.release.page)
            model = _log_model(client, run, made.root, card=card)
        version = _create_version(client, name, run, model, tags=version_tags(record))
    if version.description:
        return ""
    verdict = _move_aliases(client, version)
    client.update_model_version(name, version.version, description=verdict)
    return verdict


def version_tags(record: dict[str, Any]) -> dict[str, str]:
    """Tags of a version: what lists and the rule for champions need, without opening the record.

    A value that servers refuse is left out, such as the names of many hundreds of classes; the
    record has it.
    """
    test = record["test"]
    tags = {
        "classes": json.dumps(record["classes"], ensure_ascii=False),
        "preprocessing": json.dumps(record["preprocessing"]),
        "licence": record["licence"],
        **{key: str(record[key]) for key in ("round", "num_labels", "temperature")},
        **{f"data.{key}": str(value) for key, value in record["data"].items()},
    }
    if test:
        tags |= {f"test.{key}": str(test[key]) for key in ("accuracy", "macro_f1", "n")}
    return {key: value for key, value in tags.items() if len(value) <= _LONGEST_TAG}


def _find_version(
    client: "MlflowClient", name: str, run: "Run", *, number: int
) -> "ModelVersion | None":
    versions = client.search_model_versions(f"run_id = '{run.info.run_id}'")
    found = [v for v in versions if v.name == name and v.tags.get("round") == str(number)]
    return found[0] if found else None


def _log_model(
    client: "MlflowClient", run: "Run", folder: Path, *, card: dict[str, Any]
) -> "LoggedModel":
    """Keep an MLflow model with its run."""
    from mlflow.entities import LoggedModelOutput
    from mlflow.models import Model

    experiment, run_id = run.info.experiment_id, run.info.run_id
    name = f"round-{card['round']:02d}"
    begun = client.search_logged_models(
        [experiment], filter_string=f"source_run_id = '{run_id}' AND name = '{name}'"
    )
    if begun:  # an earlier call was stopped
        model = begun[0]
    else:
        model = client.create_logged_model(experiment, name, run_id)
        client.log_outputs(run_id, [LoggedModelOutput(model.model_id, card["num_labels"])])
    meta = Model.load(str(folder))
    meta.run_id, meta.model_id = run_id, model.model_id
    meta.save(str(folder / "MLmodel"))
    client.log_model_artifacts(model.model_id, str(folder))
    return client.finalize_logged_model(model.model_id, "READY")


def _create_version(
    client: "MlflowClient", name: str, run: "Run", model: "LoggedModel", *, tags: dict[str, str]
) -> "ModelVersion":
    from mlflow.exceptions import MlflowException

    try:
        client.create_registered_model(name)
    except MlflowException as error:
        if error.error_code != "RESOURCE_ALREADY_EXISTS":
            raise
    # The source is not models:/<id>, which a local store would look up in the process's default
    # store instead of this client's.
    return client.create_model_version(
        name, model.artifact_location, run.info.run_id, tags=tags, model_id=model.model_id
    )


def _move_aliases(client: "MlflowClient", version: "ModelVersion") -> str:
    name, number = version.name, str(version.version)
    client.set_registered_model_alias(name, CHALLENGER, number)
    better, reason = contend(client, version)
    role = f"{CHALLENGER} and {CHAMPION}" if better else CHALLENGER
    return f"registered {name} version {number} as {role}: {reason}"


def _not_exported(card: dict[str, Any], error: Exception) -> str:
    reason = str(error).strip().partition("\n")[0] or "no reason given"
    return (
        f"warning: torch.export cannot trace {card['backbone']} ({type(error).__name__}: {reason}),"
        " so it is not in the model registry. The model itself is whole: its folder is with the "
        "run in MLflow as artifact 'export', and classification/predict.py uses it."
    )
