"""The model registry: what is registered with a version, and when it becomes champion."""

import json
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from classification.errors import FieldmarkError
from classification.files import read_json
from classification.paths import ExportPaths
from classification.program import save_program

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import LoggedModel, Run
    from mlflow.entities.model_registry import ModelVersion

CHAMPION, CHALLENGER = "champion", "challenger"


def register_version(
    client: "MlflowClient",
    *,
    name: str,
    run: "Run",
    export: ExportPaths,
    test: dict[str, Any] | None,
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
        export: the model's folder; it is kept with the run, too.
        test: its evaluation on the test split, as in ``metrics.json``.

    Returns:
        One line for a person: version, aliases and why, or why the network is not in the
        registry; empty if it was registered before.
    """
    card = read_json(export.card, what="model card")
    version = _find_version(client, name, run, number=card["round"])
    if version is None:
        client.log_artifacts(run.info.run_id, str(export.root), "export")
        with TemporaryDirectory() as folder:
            program = Path(folder) / "model"
            try:
                save_program(export, program)
            except (OSError, FieldmarkError):
                raise
            except Exception as error:  # torch.export has no base class for what it cannot trace
                return _not_exported(card, error)
            model = _log_model(client, run, program, card=card)
        version = _create_version(client, name, run, model, tags=version_tags(card, test))
    if version.description:
        return ""
    verdict = _move_aliases(client, version)
    client.update_model_version(name, version.version, description=verdict)
    return verdict


def version_tags(card: dict[str, Any], test: dict[str, Any] | None) -> dict[str, str]:
    """Tags of a version: classes, preprocessing, data hashes, and scores where it was tested."""
    tags = {
        "classes": json.dumps(card["classes"], ensure_ascii=False),
        "preprocessing": json.dumps(card["preprocessing"]),
        "round": str(card["round"]),
        "num_labels": str(card["num_labels"]),
        **{f"data.{key}": str(value) for key, value in card["data"].items()},
    }
    if test:
        tags |= {f"test.{key}": str(test[key]) for key in ("accuracy", "macro_f1", "n")}
    return tags


def beats(tags: dict[str, str], champion: dict[str, str] | None) -> tuple[bool, str]:
    """Whether a version with `tags` replaces the champion, whose tags may be by hand, and why."""
    if "test.macro_f1" not in tags:
        return False, "it was not measured on a test split"
    score = float(tags["test.macro_f1"])
    if champion is None:
        return True, f"the first champion, macro-F1 {score:.3f}"
    if "test.macro_f1" not in champion:
        return False, "the champion was not measured on a test split, so they cannot be compared"
    if champion.get("data.test_split") != tags.get("data.test_split"):
        return False, "the champion was measured on another test split, so they cannot be compared"
    old = float(champion["test.macro_f1"])
    if score > old:
        return True, f"macro-F1 {score:.3f} beats the champion's {old:.3f} on the same test split"
    return False, f"macro-F1 {score:.3f} does not beat the champion's {old:.3f}"


def champion_of(client: "MlflowClient", name: str) -> "ModelVersion | None":
    """The version with the alias `champion`, or None."""
    from mlflow.exceptions import MlflowException

    try:
        return client.get_model_version_by_alias(name, CHAMPION)
    except MlflowException as error:
        if error.error_code in ("RESOURCE_DOES_NOT_EXIST", "INVALID_PARAMETER_VALUE"):
            return None
        raise


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
    champion = champion_of(client, name)
    client.set_registered_model_alias(name, CHALLENGER, number)
    if champion and str(champion.version) == number:  # an earlier call was stopped here
        better, reason = True, "it is the champion"
    else:
        better, reason = beats(version.tags, champion.tags if champion else None)
    if better:
        client.set_registered_model_alias(name, CHAMPION, number)
    role = f"{CHALLENGER} and {CHAMPION}" if better else CHALLENGER
    return f"registered {name} version {number} as {role}: {reason}"


def _not_exported(card: dict[str, Any], error: Exception) -> str:
    reason = str(error).strip().partition("\n")[0] or "no reason given"
    return (
        f"warning: torch.export cannot trace {card['backbone']} ({type(error).__name__}: {reason}),"
        " so it is not in the model registry. The model itself is whole: its folder is with the "
        "run in MLflow as artifact 'export', and classification/predict.py uses it."
    )
