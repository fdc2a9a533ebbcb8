"""What a run asked for, as positions in its dataset, and the embeddings to see it in."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from classification.evaluation.query_figures import EARLIER, NEW, UNASKED
from classification.files import read_json
from classification.paths import EmbeddingPaths, RunPaths

if TYPE_CHECKING:
    import pandas as pd


def query_positions(
    queries: "Mapping[int, pd.DataFrame]", items: Sequence[str]
) -> dict[str, NDArray[np.intp]]:
    """Positions in `items` of what each round asked for; what is not among them is left out.

    Args:
        queries: ``query.csv`` by round.
        items: paths of the dataset, in order.
    """
    at = {path: i for i, path in enumerate(items)}
    return {
        str(number): np.array([at[path] for path in table["path"] if path in at], dtype=np.intp)
        for number, table in sorted(queries.items())
    }


def query_state(queries: "Mapping[int, pd.DataFrame]", items: Sequence[str]) -> NDArray[np.int64]:
    """State of each item for `query_figures.embedding_map`: the newest query is new."""
    state = np.full(len(items), UNASKED, dtype=np.int64)
    for rows in query_positions(queries, items).values():
        state[state == NEW] = EARLIER
        state[rows] = NEW
    return state


def run_embeddings(run: Path, *, rows: int) -> NDArray[np.floating] | None:
    """The newest whole embedding store of a run with `rows` items, memory-mapped; None without."""
    paths = RunPaths(run)
    records = sorted(paths.embeddings.glob("*.json"), key=lambda path: -path.stat().st_mtime)
    for record in records:
        store = EmbeddingPaths(paths.embeddings, record.stem)
        progress = read_json(store.progress, what="progress of embeddings")
        if store.array.exists() and progress.get("done") == progress.get("rows") == rows:
            return np.load(store.array, mmap_mode="r")
    return None
