"""Tables of results without playing."""

import numpy as np
import pandas as pd


def made_results(levels, *, tasks="ab", seeds=8, rounds=5, noise=0.01):
    """Curves that rise by 0.05 a round from each strategy's level, as `schemas.ResultTable`."""
    rng = np.random.default_rng(0)
    luck = {(task, seed): rng.normal(scale=0.05) for task in tasks for seed in range(seeds)}
    return pd.DataFrame(
        [
            {
                "task": task,
                "model": "resnet18",
                "split": f"{task}{seed}",
                "strategy": name,
                "seed": seed,
                "round": number,
                "num_labels": 20 * (number + 1),
                "accuracy": min(1, max(0, level + 0.05 * number + shift + rng.normal(scale=noise))),
                "macro_f1": min(1, max(0, level + 0.05 * number + shift + rng.normal(scale=noise))),
                "balanced_accuracy": 0.5,
                "seconds": 0.1,
                "training_seconds": 0.4,
                "successor_macro_f1": level if number == rounds - 1 else np.nan,
                "curve": f"cells/{task}/{name}/{seed}.json",
            }
            for (task, seed), shift in luck.items()
            for name, level in levels.items()
            for number in range(rounds)
        ]
    )
