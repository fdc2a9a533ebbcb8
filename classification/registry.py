"""The model registry: what is registered with a version, and when it becomes champion."""

import json
from typing import TYPE_CHECKING, Any

from classification.files import read_json
from classification.paths import ExportPaths

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities.model_registry import ModelVersion

CHAMPION, CHALLENGER = "champion", "challenger"
_EXAMPLES = 2  # a batch of one would be exported with a fixed batch size of one


def register_version(
    client: "MlflowClient",
    *,
    name: str,
    run_id: str,
    export: ExportPaths,
    test: dict[str, Any] | None,
) -> str:
    """Register an exported model and move the aliases.

    The version gets the alias `challenger`; it becomes `champion` when there is none, or when its
    macro-F1 on the same test split is higher.

    Args:
        client: connected.
        name: in the registry.
        run_id: MLflow run the model came from.
        export: the model's folder.
        test: its evaluation on the test split, as in ``metrics.json``.

    Returns:
        One line for a person: version, aliases and why.
    """
    card = read_json(export.card, what="model card")
    version = _log_model(client, name=name, run_id=run_id, export=export, card=card)
    tags = {
        "classes": json.dumps(card["classes"], ensure_ascii=False),
        "preprocessing": json.dumps(card["preprocessing"]),
        "round": card["round"],
        "num_labels": card["num_labels"],
        **{f"data.{key}": value for key, value in card["data"].items()},
        **({f"test.{key}": test[key] for key in ("accuracy", "macro_f1", "n")} if test else {}),
    }
    for key, value in tags.items():
        client.set_model_version_tag(name, version, key, str(value))
    client.set_registered_model_alias(name, CHALLENGER, version)
    champion = champion_of(client, name)
    better, reason = beats(tags, champion.tags if champion else None)
    if better:
        client.set_registered_model_alias(name, CHAMPION, version)
    role = f"{CHALLENGER} and {CHAMPION}" if better else CHALLENGER
    return f"registered {name} version {version} as {role}: {reason}"


def beats(tags: dict[str, Any], champion: dict[str, Any] | None) -> tuple[bool, str]:
    """Whether a version with `tags` replaces the champion, and why."""
    if "test.macro_f1" not in tags:
        return False, "it was not measured on a test split"
    score = float(tags["test.macro_f1"])
    if champion is None:
        return True, f"the first champion, macro-F1 {score:.3f}"
    if champion.get("data.test_split") != str(tags["data.test_split"]):
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


def _log_model(
    client: "MlflowClient", *, name: str, run_id: str, export: ExportPaths, card: dict[str, Any]
) -> str:
    """Log the network as an exported program with signature and example; its new version."""
    import mlflow
    import numpy as np
    import torch
    from mlflow import pytorch
    from mlflow.models import infer_signature

    from classification.learning.model import ProbabilityModel, load_classifier

    model = ProbabilityModel(load_classifier(export.root)).eval()
    size = card["preprocessing"]["image_size"]
    example = np.random.default_rng(0).random((_EXAMPLES, 3, size, size), dtype=np.float32)
    with torch.inference_mode():
        output = model(torch.from_numpy(example)).numpy()
    with mlflow.start_run(run_id=run_id):
        pytorch.log_model(
            model,
            name="model",
            registered_model_name=name,
            signature=infer_signature(example, output),
            input_example=example,
            pip_requirements=[f"torch=={torch.__version__}", f"numpy=={np.__version__}"],
            metadata={"classes": list(card["classes"]), "preprocessing": card["preprocessing"]},
        )
    client.log_artifacts(run_id, str(export.root), "export")
    versions = client.search_model_versions(f"name = '{name}' and run_id = '{run_id}'")
    return str(max(int(v.version) for v in versions))
