"""What a person sets before training: the network, its loss, and how it is trained."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from classification.errors import FieldmarkError
from classification.learning.fixmatch_config import FixMatchConfig
from classification.learning.network_config import NetworkConfig


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """All that the Model and Train tabs set."""

    network: NetworkConfig = field(default_factory=NetworkConfig)
    fixmatch: FixMatchConfig = field(default_factory=FixMatchConfig)
    seed: int = 0
    """Of the first weights and every draw: the same seed, labels and settings give the same
    model."""

    @property
    def one_class(self) -> bool:
        """Whether the model chooses one class per item."""
        return self.fixmatch.output == "softmax"

    def but(self, **fields: Any) -> "Recipe":
        """A copy with some fields of network and fixmatch changed.

        Raises:
            FieldmarkError: values that are not allowed, all of them at once.
        """
        faults, parts = [], {}
        for name in ("network", "fixmatch"):
            part = getattr(self, name)
            own = {key: value for key, value in fields.items() if hasattr(part, key)}
            try:
                parts[name] = replace(part, **own)
            except FieldmarkError as error:
                faults += [line.removeprefix("  - ") for line in str(error).splitlines()[1:]]
        if faults:
            raise FieldmarkError.from_problems("Please correct:", faults)
        return replace(self, seed=fields.get("seed", self.seed), **parts)

    def to_json(self) -> dict[str, Any]:
        """Plain JSON values."""
        return asdict(self)

    @classmethod
    def from_json(cls, record: Mapping[str, Any]) -> "Recipe":
        """The recipe that `to_json` gave."""
        fixmatch = {**record["fixmatch"], "hidden": tuple(record["fixmatch"]["hidden"])}
        return cls(
            network=NetworkConfig(**record["network"]),
            fixmatch=FixMatchConfig(**fixmatch),
            seed=record["seed"],
        )


def describe(recipe: Recipe, shape: Sequence[int], n_classes: int) -> str:
    """The network in a line, from the input to the output.

    Raises:
        FieldmarkError: the layers do not fit the input.
    """
    network = recipe.network
    network.check(shape)
    maps = len(shape) == 3
    size = " x ".join(str(side) for side in shape)
    dense = "convolution" if maps else "dense"
    names = {"p": "pool 2 x 2", "r": "residual block", "d": f"dropout {network.dropout:g}"}
    layers = [names.get(word) or f"{dense} {word}" for word in network.words]
    ending = [f"{network.pooling} pooling" if network.pooling != "flatten" else "flatten"]
    start = f"{'feature map' if maps else 'embedding'} {size}"
    return " → ".join(
        [
            start,
            *layers,
            *(ending if maps else []),
            f"{n_classes} classes ({recipe.fixmatch.output})",
        ]
    )
