"""How well the gain of the next batch is foretold from the rounds so far.

    python benchmarks/label_efficiency.py     # plays the curves, hours
    python benchmarks/expected_gain.py        # seconds

Every curve of a comparison is cut after 4, 6 and 8 rounds; the gain of the next round is foretold
from what is left and compared with what that strategy gained there on average over its seeds.
Prints, for each dataset and score: the mean gain, the root mean square error of the forecast, of
the peer (the last gain goes on: the rule of a person who looks at the last two rounds) and their
ratio, and how often the 95 % interval held the mean gain over all curves.
"""

import argparse
from pathlib import Path

import numpy as np
import pandas as pd

from classification.comparison.report import read_results
from classification.evaluation.expected_gain import gains
from classification.paths import ComparisonPaths

CUTS = (4, 6, 8)
SCORES = ("accuracy", "macro_f1")


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--results", type=Path, default=Path("runs/label_efficiency/shared"))
    options = parser.parse_args()
    results, _ = read_results(ComparisonPaths(options.results))
    rows = [
        {"dataset": task, "score": score, "rounds": cut, **foretell(part, score, cut)}
        for task, part in results.groupby("task")
        for score in SCORES
        for cut in CUTS
    ]
    print(pd.DataFrame(rows).to_string(index=False, float_format="%.4f"))


def foretell(part: pd.DataFrame, score: str, cut: int) -> dict[str, float]:
    curves = part.pivot_table(index=["strategy", "seed"], columns="round", values=score).dropna()
    labels = part.groupby("round")["num_labels"].mean().to_numpy()
    y = curves.to_numpy()
    batch = labels[cut] - labels[cut - 1]
    told = np.array([gains(labels[:cut], row[:cut], ahead=[batch]) for row in y])[:, :, 0]
    gained = pd.Series(y[:, cut] - y[:, cut - 1], index=curves.index)
    truth = gained.groupby(level="strategy").transform("mean").to_numpy()
    error = np.sqrt(np.mean((told[:, 0] - truth) ** 2))
    peer = np.sqrt(np.mean((y[:, cut - 1] - y[:, cut - 2] - truth) ** 2))
    held = (told[:, 1] <= gained.mean()) & (gained.mean() <= told[:, 2])
    return {
        "curves": len(y),
        "gain": gained.mean(),
        "error": error,
        "last_gain_error": peer,
        "ratio": peer / error,
        "interval_holds": held.mean(),
    }


if __name__ == "__main__":
    main()
