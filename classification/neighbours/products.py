"""One float32 product of two blocks of rows, by the faster of the libraries at hand.

NumPy's OpenBLAS does not know every processor: on a Zen 5 it takes the kernels of a Haswell, 113
GFLOP/s a core, where oneDNN, which comes with PyTorch, reaches 190. Neighbours do not depend on
the choice: they are settled by true distances.
"""

import sys
import threading
import time
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float32]
Multiply = Callable[[Array, Array, Array], Array]
"""(left [n, D], right [m, D], room for [n, m]) to left @ right.T, in that room or elsewhere."""

_WORTH_IMPORTING = 1e12  # multiplications and additions: some ten seconds of one core
_chosen: dict[int, Multiply] = {}
_lock = threading.Lock()


def by_numpy(left: Array, right: Array, out: Array) -> Array:
    """OpenBLAS, or what NumPy was built with."""
    return np.matmul(left, right.T, out=out)


def by_onednn(left: Array, right: Array, out: Array) -> Array:
    """The kernels of PyTorch's compiled layers; `torch.mm` uses MKL, which is slower on AMD."""
    import torch

    a, b = torch.from_numpy(left), torch.from_numpy(right)
    return torch.ops.mkldnn._linear_pointwise(a, b, None, "none", [], "").numpy()


def start_worker() -> None:
    """Called in every thread that multiplies: each has one core."""
    if "torch" in sys.modules:
        sys.modules["torch"].set_num_threads(1)


def prepare(work: float) -> None:
    """Import PyTorch where the work, in multiplications and additions, is worth the seconds."""
    if work > _WORTH_IMPORTING:
        import torch  # noqa: F401


def choose(dims: int) -> Multiply:
    """The faster on this machine for rows of this width, tried once."""
    if "torch" not in sys.modules:
        return by_numpy
    with _lock:
        if dims not in _chosen:
            _chosen[dims] = by_onednn if _onednn_is_faster(dims) else by_numpy
        return _chosen[dims]


def _onednn_is_faster(dims: int) -> bool:
    rng = np.random.default_rng(0)
    left, right = (rng.random((n, dims), dtype=np.float32) for n in (256, 1024))
    out = np.empty((256, 1024), dtype=np.float32)
    try:
        same = np.allclose(by_onednn(left, right, out), by_numpy(left, right, out), rtol=1e-4)
    except (AttributeError, RuntimeError, TypeError):  # a build without it, or a later interface
        return False
    slower = 1.1 * _seconds(by_onednn, left, right, out)  # a tie is no reason to change
    return same and slower < _seconds(by_numpy, left, right, out)


def _seconds(multiply: Multiply, left: Array, right: Array, out: Array) -> float:
    multiply(left, right, out)
    times = []
    for _ in range(5):
        start = time.thread_time()  # of this thread: others may be busy
        multiply(left, right, out)
        times.append(time.thread_time() - start)
    return min(times)
