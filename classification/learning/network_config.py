"""Options of a small network over embeddings or feature maps; light, for forms and ``--help``."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, get_args

from classification.errors import FieldmarkError

Pooling = Literal["average", "max", "flatten"]

LAYERS_HELP = (
    "layers from the input to the output, separated by commas: a number is a convolution with so "
    "many channels and a ReLU (on embeddings: a dense layer), p halves the sides of a feature map, "
    "r is a residual block, d drops out"
)
_NUMBER = re.compile(r"\d{1,5}")


@dataclass(frozen=True, kw_only=True)
class NetworkConfig:
    """Layers between the input and the classes. No layers: a linear classifier."""

    layers: str = ""
    """Such as ``32,p,64,r,d``: a number is a convolution (of embeddings: a dense layer) with that
    many channels and a ReLU; p max pooling 2x2, of feature maps only; r a residual block
    (He et al. 2016, "Identity mappings in deep residual networks"); d dropout of whole channels."""
    pooling: Pooling = "average"
    """How a feature map becomes a vector at the end."""
    kernel_size: int = 1
    """Side of the convolutions, 1, 3, 5 or 7. A place of a backbone's map has seen its neighbours
    already, and 3 takes nine times as long."""
    dropout: float = 0.5
    """Share that each d drops, 0 to below 1."""
    batch_norm: bool = False
    """Normalise after each convolution or dense layer (Ioffe & Szegedy 2015)."""
    separable: bool = False
    """Convolutions depthwise and then pointwise (Chollet 2017): fewer weights."""

    def __post_init__(self) -> None:
        problems = [
            f"layer {number} is {word!r}; {LAYERS_HELP}"
            for number, word in enumerate(self.words, start=1)
            if word not in ("p", "r", "d") and not (_NUMBER.fullmatch(word) and int(word))
        ][:1]
        if self.pooling not in get_args(Pooling):
            problems.append(f"pooling {self.pooling!r}; allowed: {', '.join(get_args(Pooling))}")
        if self.kernel_size not in (1, 3, 5, 7):
            problems.append(f"kernel size {self.kernel_size}; allowed: 1, 3, 5, 7")
        if not 0 <= self.dropout < 1:
            problems.append(f"dropout {self.dropout}; allowed: 0 to below 1")
        if problems:
            raise FieldmarkError.from_problems("this is no network:", problems)

    @property
    def words(self) -> list[str]:
        """The layers one by one."""
        text = self.layers.strip().lower()
        return [word.strip() for word in text.split(",")] if text else []

    def check(self, shape: Sequence[int]) -> None:
        """Refuse what the input does not allow.

        Args:
            shape: of one item: [D], or [H, W, C] of a feature map.

        Raises:
            FieldmarkError: neither of these shapes, or more pooling than the input has room for.
        """
        if len(shape) not in (1, 3) or 0 in shape:
            raise FieldmarkError(
                f"items of shape {list(shape)} given; embeddings [D] or feature maps [H, W, C] "
                "are wanted"
            )
        pools = self.words.count("p")
        if pools and len(shape) == 1:
            raise FieldmarkError(
                f"layers {self.layers}: p needs feature maps, and these are embeddings of "
                f"{shape[0]} numbers without height and width; leave p out"
            )
        if pools and min(shape[:2]) >> pools == 0:
            raise FieldmarkError(
                f"layers {self.layers}: each p halves a feature map of {shape[0]} x {shape[1]}; "
                f"{pools} times leaves nothing, at most {min(shape[:2]).bit_length() - 1} go"
            )
