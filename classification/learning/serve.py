"""What the other processes of a team do: wait for rank 0, and compute their part."""

from collections.abc import Callable
from typing import Any

from classification.learning.crops import Inputs
from classification.learning.finetune import finetune
from classification.learning.forward import embed_part

_WORK: dict[str, Callable[..., Any]] = {"embed": embed_part, "finetune": finetune}


def serve(inputs: Inputs) -> None:
    """Do what rank 0 tells until it tells None.

    Raises:
        FieldmarkError: this process's part cannot be done, say because a crop is missing.
    """
    while (told := inputs.team.hear()) is not None:
        work, arguments = told
        _WORK[work](inputs=inputs, **arguments)
