"""Can every class be in every split? An integer programme decides it."""

from dataclasses import dataclass

import numpy as np
from scipy.optimize import Bounds, LinearConstraint, milp
from scipy.sparse import coo_array, eye_array, hstack, kron

from classification.data.split_problem import SplitProblem

_NODES = 500  # a limit in nodes, not in seconds: the same data give the same split anywhere


@dataclass(frozen=True, kw_only=True)
class Solved:
    """What the programme ended with.

    split: int8 [U]; None when the limit was reached before any was found.
    proven: no split has less shortfall.
    """

    split: np.ndarray | None
    proven: bool


def solve_guarantees(problem: SplitProblem) -> Solved:
    """The split with the least weighted shortfall of crops and locations, whatever its score.

    One variable per unit and split (1: the unit is there) and one per guarantee (what is missing),
    solved with HiGHS.
    """
    units = len(problem.counts)
    split_of, column_of = np.nonzero(problem.need > 0)
    needs = len(split_of)
    need = problem.need[split_of, column_of]
    once = hstack([kron(eye_array(units), np.ones((1, 3))), coo_array((units, needs))])
    got = _got(problem, split_of, column_of)
    result = milp(
        c=np.concatenate([np.zeros(3 * units), problem.weight[split_of, column_of]]),
        constraints=[
            LinearConstraint(once.tocsr(), 1, 1),
            LinearConstraint(hstack([got, eye_array(needs)]).tocsr(), need, np.inf),  # pyright: ignore[reportArgumentType]
        ],
        bounds=Bounds(0, np.concatenate([problem.allowed.ravel().astype(float), need])),  # pyright: ignore[reportArgumentType]
        integrality=np.concatenate([np.ones(3 * units), np.zeros(needs)]),
        options={"node_limit": _NODES},
    )
    if result.x is None:
        return Solved(split=None, proven=False)
    split = result.x[: 3 * units].reshape(units, 3).argmax(axis=1).astype(np.int8)
    return Solved(split=split, proven=result.status == 0)


def _got(problem: SplitProblem, split_of: np.ndarray, column_of: np.ndarray) -> coo_array:
    """Row k: what split ``split_of[k]`` gets of column ``column_of[k]``: [needs, 3U]."""
    rows, cols, values = [], [], []
    for k, (s, column) in enumerate(zip(split_of, column_of, strict=True)):
        units = np.flatnonzero(problem.counts[:, column])
        rows.append(np.full(len(units), k))
        cols.append(3 * units + s)
        values.append(problem.counts[units, column])
    shape = (len(split_of), 3 * len(problem.counts))
    entries = (np.concatenate(rows), np.concatenate(cols))
    return coo_array((np.concatenate(values), entries), shape=shape)
