"""Strategies of scikit-activeml, as entrants of a comparison: the same features, head and seeds."""

import warnings
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, ClassifierMixin

from classification.comparison.play import Entrant
from classification.linear import fit_linear, softmax
from classification.query import BaseSampler, Pool

# Name of the class in skactiveml.pool, whether it takes a classifier, and its parameters.
_STRATEGIES: dict[str, tuple[str, bool, dict[str, Any]]] = {
    "margin": ("UncertaintySampling", True, {"method": "margin_sampling"}),
    "entropy": ("UncertaintySampling", True, {"method": "entropy"}),
    "CoreSet": ("CoreSet", False, {}),
    "Badge": ("Badge", True, {}),
    "TypiClust": ("TypiClust", False, {}),
    "ProbCover": ("ProbCover", False, {}),
    "DropQuery": ("DropQuery", True, {}),
    "Falcun": ("Falcun", True, {}),
    "MaxHerding": ("MaxHerding", False, {}),
}


def scikit_activeml() -> list[Entrant]:
    """All of them, named ``skactiveml CoreSet`` and so on."""
    return [
        Entrant(
            name=f"skactiveml {name}",
            strategy=Peer(kind=kind, needs_classifier=needs, parameters=parameters),
        )
        for name, (kind, needs, parameters) in _STRATEGIES.items()
    ]


@dataclass(frozen=True, kw_only=True)
class Peer(BaseSampler):
    """One strategy of scikit-activeml, with the library's defaults and this project's head."""

    kind: str
    needs_classifier: bool
    parameters: dict[str, Any] = field(default_factory=dict)

    def sample(self, pool: Pool, n: int, rng: np.random.Generator) -> NDArray[np.intp]:
        """Its choice; embeddings standardised like those the head sees."""
        import skactiveml.pool  # pyright: ignore[reportMissingImports]

        seed = int(rng.integers(2**31))
        classes = np.unique(pool.labels[pool.taught])
        y = np.where(pool.labels >= 0, pool.labels, np.nan).astype(float)
        scale = np.maximum(pool.embeddings.std(axis=0), 1e-6)
        x = ((pool.embeddings - pool.embeddings.mean(axis=0)) / scale).astype(np.float32)
        sampler = getattr(skactiveml.pool, self.kind)(random_state=seed, **self.parameters)
        options = {"clf": _head(classes, seed)} if self.needs_classifier else {}
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return np.asarray(sampler.query(x, y, batch_size=n, **options), dtype=np.intp)


class _Head(ClassifierMixin, BaseEstimator):
    """This project's head as scikit-learn knows classifiers."""

    def fit(self, X: NDArray[np.float32], y: NDArray[np.float64]) -> "_Head":  # noqa: N803
        """X: float [n, D]; y: class ids. The peer calls by these names."""
        self.classes_ = np.unique(y)
        self.linear_ = fit_linear(X.astype(np.float32), y.astype(np.int64))
        return self

    def predict_proba(self, X: NDArray[np.float32]) -> NDArray[np.float32]:  # noqa: N803
        """float [N, K], columns as in `classes_`."""
        return softmax(self.linear_.logits(X.astype(np.float32)))

    def predict(self, X: NDArray[np.float32]) -> NDArray[np.float64]:  # noqa: N803
        """float [N]."""
        return self.classes_[self.predict_proba(X).argmax(axis=1)]


def _head(classes: NDArray[np.int64], seed: int) -> Any:
    from skactiveml.classifier import SklearnClassifier  # pyright: ignore[reportMissingImports]

    return SklearnClassifier(_Head(), classes=classes.astype(float), random_state=seed)
