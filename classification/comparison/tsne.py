"""`TSNEPlotter`: what strategies chose, seen in the embedding."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from classification.comparison.curves import read_curve
from classification.comparison.drawn import Drawn
from classification.errors import FieldmarkError
from classification.evaluation.embedding_map import MOST, plane, some
from classification.evaluation.query_figures import EARLIER, NEW, embedding_map
from classification.paths import ComparisonPaths

Index = str | Path | Sequence[NDArray[Any]]


class TSNEPlotter:
    """Which items strategies chose, in a plane where items of like features lie together.

    Args:
        query_names: names of the strategies.
        cur_idx: what each strategy has labelled after its query: an .npz file with arrays "0",
            "1" ..., or a sequence with an array for each strategy; bool [N], or positions.
        prev_idx: the same before its query.
        features: float [N, D], such as embeddings; or a sequence with one such array for each
            strategy, where each trained a network of its own.
        labels: class of each item [N].
        save: folder for a PNG per strategy; None: nothing is written.
        method: tsne or umap, as `embedding_map.plane`.
        seed: of the layout.
        most: items drawn.

    Raises:
        FieldmarkError: a missing file, or not one array for each strategy.
    """

    def __init__(
        self,
        query_names: Sequence[str],
        cur_idx: Index,
        prev_idx: Index,
        features: NDArray[Any] | Sequence[NDArray[Any]],
        labels: Sequence[str] | NDArray[Any],
        *,
        save: str | Path | None = None,
        method: str = "tsne",
        seed: int = 0,
        most: int = MOST,
    ) -> None:
        self._names, self._labels = list(query_names), np.asarray(labels).astype(str)
        self._own = not isinstance(features, np.ndarray)
        self._features = list(features) if self._own else [features] * len(self._names)
        self._now, self._before = (self._masks(index) for index in (cur_idx, prev_idx))
        self._save, self._method, self._seed, self._most = save, method, seed, most

    @classmethod
    def of_comparison(
        cls,
        folder: str | Path,
        query_names: Sequence[str],
        features: NDArray[Any] | Sequence[NDArray[Any]],
        labels: Sequence[str] | NDArray[Any],
        *,
        task: str,
        repetition: int = 0,
        round: int = -1,
        **options: Any,
    ) -> "TSNEPlotter":
        """Of the records of a comparison.

        Args:
            folder: of the comparison.
            query_names: names of strategies.
            features: as above, of all items of the task.
            labels: as above.
            task: name of the dataset there.
            repetition: seed of the comparison.
            round: whose query is new; -1: the last.
            options: save, method, seed, most.

        Raises:
            FieldmarkError: no such curve or round.
        """
        now, before = [], []
        for name in query_names:
            path = ComparisonPaths(Path(folder)).cell(task, name, repetition)
            played = read_curve(path)
            if played is None or not -len(played.rows) <= round < len(played.rows):
                raise FieldmarkError(f"no round {round} of {name!r} on {task}: {path}")
            counts = [0, *(int(row["num_labels"]) for row in played.rows)]
            last = round % len(played.rows)
            queries = np.array(played.queries, dtype=np.intp)
            now.append(queries[: counts[last + 1]])
            before.append(queries[: counts[last]])
        return cls(query_names, now, before, features, labels, **options)

    def generate_tsne(self, idx: int | Sequence[int] = 0) -> list[Drawn]:
        """The figure of each strategy in `idx`, positions in `query_names`.

        Strategies that share features share the plane, so that their figures can be laid side by
        side.

        Raises:
            FieldmarkError: a position that is none.
        """
        chosen = [idx] if isinstance(idx, int) else list(idx)
        if bad := [i for i in chosen if not 0 <= i < len(self._names)]:
            raise FieldmarkError(f"idx {bad}: give positions from 0 to {len(self._names) - 1}")
        if self._own:
            return [drawn for i in chosen for drawn in self._draw([i])]
        return self._draw(chosen)

    def _draw(self, chosen: Sequence[int]) -> list[Drawn]:
        """A figure for each of `chosen`, all on one plane."""
        asked = np.any([self._now[i] for i in chosen], axis=0)
        rows = some(asked, most=self._most, rng=np.random.default_rng(self._seed))
        features = np.asarray(self._features[chosen[0]])[rows]
        layout = plane(features, method=self._method, seed=self._seed)
        found = []
        for i in chosen:
            state = np.zeros(len(rows), dtype=int)
            state[self._now[i][rows]] = NEW
            state[self._before[i][rows]] = EARLIER
            figure = embedding_map(layout, state, self._labels[rows], name=self._names[i])
            found.append(Drawn(figure))
            if self._save is not None:
                found[-1].savefig(Path(self._save) / f"{self._names[i]}.png")
        return found

    def _masks(self, index: Index) -> list[NDArray[np.bool_]]:
        """bool [N] of each strategy."""
        named = isinstance(index, str | Path)
        given = _read_index(Path(index), len(self._names)) if named else index
        if len(given) != len(self._names):
            raise FieldmarkError(f"{len(given)} index arrays for {len(self._names)} strategies")
        masks = []
        for array in map(np.asarray, given):
            mask = np.zeros(len(self._labels), dtype=bool)
            mask[array if len(array) else slice(0)] = True
            masks.append(mask)
        return masks


def _read_index(path: Path, n: int) -> list[NDArray[Any]]:
    if not path.is_file():
        raise FieldmarkError(f"index file not found: {path}")
    with np.load(path, allow_pickle=False) as arrays:
        if missing := [str(i) for i in range(n) if str(i) not in arrays]:
            raise FieldmarkError(f"{path} lacks the arrays {', '.join(missing)}")
        return [arrays[str(i)] for i in range(n)]
