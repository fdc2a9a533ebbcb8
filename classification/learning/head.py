"""The classifier head: logistic regression on standardised embeddings, fitted afresh each round."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from classification.config import HeadConfig
from classification.errors import FieldmarkError
from classification.files import atomic_path
from classification.linear import Linear, fit_linear

Head = Linear


def fit_head(
    embeddings: NDArray[np.float32],
    labels: NDArray[np.int64],
    *,
    config: HeadConfig,
) -> Head:
    """The head of `config` for embeddings float32 [n, D] with class ids int64 [n]."""
    return fit_linear(
        embeddings,
        labels,
        inverse_penalty=config.C,
        class_balanced=config.class_balanced,
        max_iter=config.max_iter,
    )


def save_head(path: Path, head: Head) -> None:
    """Write as safetensors, atomically."""
    from safetensors.numpy import save_file

    with atomic_path(path) as temporary:
        save_file({k: np.ascontiguousarray(v) for k, v in vars(head).items()}, temporary)


def load_head(path: Path) -> Head:
    """Read what `save_head` wrote.

    Raises:
        FieldmarkError: the file is missing or corrupt.
    """
    from safetensors.numpy import load_file

    try:
        return Head(**load_file(path))
    except FileNotFoundError:
        raise FieldmarkError(f"head not found: {path}") from None
    except Exception as error:  # safetensors raises its own error types
        raise FieldmarkError(
            f"head cannot be read: {path}: {error}. The file is corrupt; delete the folder of "
            "this round and run train.py again to make it anew."
        ) from error
