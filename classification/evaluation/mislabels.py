"""Labels that are probably wrong, for a person to look at: never changed here.

Confident learning (Northcutt, Jiang & Chuang 2021, "Confident Learning: Estimating Uncertainty in
Dataset Labels") over probabilities that were made without the item's own label: those of a run for
what it did not learn from, or those of the crops that look most like it.

Measured with 5 % of the labels made wrong, looking at as many suspects as there are wrong labels:
by a run's probabilities 37 % of them are wrong (Caltech at night; generated sample 43 %), by
look-alikes 17 % (59 %); chance would be 5 %.
"""

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from sklearn.neighbors import NearestNeighbors

from classification.errors import FieldmarkError
from classification.paths import RunPaths
from classification.predictions import PROBABILITY
from classification.schemas import PredictionTable, TrainTable, check, read_csv

if TYPE_CHECKING:
    import pandas as pd

NEIGHBOURS = 10
_ROUNDING = 1e-9  # the mean of equal numbers may come out a bit larger than they are


def confident_learning(
    probs: NDArray[np.floating], labels: NDArray[np.integer]
) -> tuple[NDArray[np.intp], NDArray[np.intp], NDArray[np.float64]]:
    """Items that are confidently of another class than their label says.

    A class is confident of an item from the mean probability it gives to the items that carry its
    label, so that a class the model is shy of needs less. Items with the label -1 are passed over.

    Args:
        probs: [N, C], made without the item's own label; a row may be NaN where unknown.
        labels: class id [N], -1 where unknown.

    Returns:
        Positions of the suspects, the class suggested for each, and the margin by which its
        probability exceeds that of the label (0..1); largest margin first.
    """
    probs = np.asarray(probs, dtype=np.float64)
    known = np.flatnonzero((labels >= 0) & np.isfinite(probs).all(axis=1))
    p, given = probs[known], labels[known]
    rows, count = np.arange(len(p)), probs.shape[1]
    totals = np.bincount(given, weights=p[rows, given], minlength=count)
    sizes = np.bincount(given, minlength=count)
    threshold = np.where(sizes > 0, totals / np.maximum(sizes, 1), np.inf)
    confident = np.where(p >= threshold - _ROUNDING, p, -np.inf)
    best = confident.argmax(axis=1)
    margin = p[rows, best] - p[rows, given]
    suspect = np.isfinite(confident[rows, best]) & (best != given) & (margin > 0)
    order = np.flatnonzero(suspect)[np.argsort(-margin[suspect], kind="stable")]
    return known[order], best[order], margin[order]


def neighbour_probs(
    thumbnails: NDArray[np.uint8],
    labels: NDArray[np.integer],
    *,
    classes: int,
    neighbours: int = NEIGHBOURS,
) -> NDArray[np.float64]:
    """Shares of the classes among the labelled pictures that look most like each, itself left out.

    Args:
        thumbnails: grey pictures, uint8 [N, D], compared by correlation.
        labels: class id [N], -1 where unknown.
        classes: C.
        neighbours: pictures that vote.

    Returns:
        [N, C], rows add up to 1; NaN for what has no label, or where nothing else has one.
    """
    probs = np.full((len(labels), classes), np.nan)
    known = np.flatnonzero(labels >= 0)
    votes = min(neighbours, len(known) - 1)
    if votes < 1:
        return probs
    pixels = thumbnails[known].astype(np.float32)
    pixels -= pixels.mean(axis=1, keepdims=True)
    pixels /= np.maximum(np.linalg.norm(pixels, axis=1, keepdims=True), 1e-6)
    search = NearestNeighbors(n_neighbors=votes, algorithm="brute").fit(pixels)
    nearest = search.kneighbors(return_distance=False)  # without an argument: never itself
    shares = np.zeros((len(known), classes))
    np.add.at(shares, (np.arange(len(known))[:, None], labels[known][nearest]), 1 / votes)
    probs[known] = shares
    return probs


def run_probs(run: Path, *, items: "pd.Series", classes: tuple[str, ...]) -> NDArray[np.float64]:
    """Probabilities that the newest round of a run gave to items it did not learn from.

    Args:
        run: the run folder.
        items: path of each item [N].
        classes: C names, in the order of the columns to be.

    Returns:
        [N, C]; NaN for items of the round's training set and for items it never saw.

    Raises:
        FieldmarkError: the run has no round with a model, or knows none of these classes.
    """
    import pandas as pd

    paths = RunPaths(run)
    rounds = [paths.round(n) for n in paths.complete_rounds()]
    last = next((r for r in reversed(rounds) if r.predictions.exists()), None)
    if last is None:
        raise FieldmarkError(
            f"{run} has no complete round with predictions: train first "
            "(python classification/train.py), or look for mislabels without a run."
        )
    table = check(pd.read_parquet(last.predictions), PredictionTable, what=str(last.predictions))
    learned = read_csv(last.train, TrainTable, what="training set")["path"]
    columns = [f"{PROBABILITY}{name}" for name in classes]
    if missing := [c for c in columns if c not in table]:
        raise FieldmarkError(
            f"{last.predictions} is not of this dataset: it lacks {', '.join(missing)}"
        )
    table = table[~table["path"].isin(learned)].set_index("path")
    return table.reindex(items)[columns].to_numpy(dtype=np.float64)


def suspects(
    table: "pd.DataFrame", probs: NDArray[np.floating], *, classes: tuple[str, ...]
) -> "pd.DataFrame":
    """`confident_learning` as a table for people.

    Args:
        table: the classification table, N rows.
        probs: [N, C] as `run_probs` or `neighbour_probs` give them.
        classes: C names.

    Returns:
        path, label, suggestion, margin, location; the most suspicious first, with the index of
        `table`.
    """
    import pandas as pd

    ids = {name: number for number, name in enumerate(classes)}
    labels = np.array([ids.get(name, -1) for name in table["label"]], dtype=np.int64)
    rows, suggested, margin = confident_learning(probs, labels)
    found = table.iloc[rows][["path", "label", "group"]].rename(columns={"group": "location"})
    found.insert(2, "suggestion", pd.Series([classes[i] for i in suggested], found.index, "str"))
    found.insert(3, "margin", margin.round(3))
    return found
