"""A model as a traced program that MLflow loads without this package."""

from pathlib import Path

from classification.paths import ExportPaths

_EXAMPLES = 2  # a batch of one would be traced for a batch size of one only
_TOLERANCE = 1e-4  # between probabilities of the network and of its trace


def save_program(export: ExportPaths, folder: Path) -> None:
    """Write an exported model as an MLflow model: a traced program, signature and example.

    It takes float32 [B, 3, S, S], RGB in 0..1, and gives probabilities float32 [B, C]. It needs
    neither this package nor pickle: MLflow loads it with MLFLOW_ALLOW_PICKLE_DESERIALIZATION=false.

    Args:
        export: the model to read.
        folder: does not exist yet.

    Raises:
        Exception: torch.export cannot trace the network, or traced it for one batch size only.
    """
    import mlflow
    import numpy as np
    import torch
    from mlflow import pytorch
    from mlflow.models import infer_signature

    from classification.learning.model import ProbabilityModel, load_classifier

    classifier = load_classifier(export.root)
    card, model = classifier.card, ProbabilityModel(classifier).eval()
    shape = (_EXAMPLES, 3, card.preprocessing.image_size, card.preprocessing.image_size)
    # Quarters are short in JSON: a megabyte instead of six at 224 px.
    example = (np.random.default_rng(0).integers(0, 5, shape) / 4).astype(np.float32)
    with torch.inference_mode():
        output = model(torch.from_numpy(example)).numpy()
    pytorch.save_model(
        model,
        str(folder),
        signature=infer_signature(example, output),
        input_example=example,
        pip_requirements=[
            f"mlflow=={mlflow.__version__}",
            f"torch=={torch.__version__.partition('+')[0]}",
            f"numpy=={np.__version__}",
        ],
        metadata={
            "classes": list(card.classes),
            "preprocessing": card.to_json()["preprocessing"],
        },
        serialization_format="pt2",
    )
    with torch.inference_mode():
        alone = pytorch.load_model(str(folder))(torch.from_numpy(example[:1])).numpy()
    if not np.allclose(alone, output[:1], atol=_TOLERANCE):
        raise RuntimeError(f"traced, it gives {alone[0]} instead of {output[0]}")
