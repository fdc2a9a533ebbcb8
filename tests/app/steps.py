"""What the processes of test_step.py do."""

import os
import signal
import sys

import numpy as np

from classification.app.step import load_array, save_array
from classification.errors import FieldmarkError


def double(paths, order, line):
    print("a library is chatty")
    line.tell({"times": order["times"]})
    rows = np.load(order["inputs"], mmap_mode="r")
    save_array(paths, "twice", order["times"] * rows + load_array(paths, "offset"))
    return {"rows": len(rows)}


def refuse(paths, order, line):
    raise FieldmarkError("too few labels; label more")


def crash(paths, order, line):
    return 1 // 0


def die(paths, order, line):
    print("last words", file=sys.stderr, flush=True)
    os.kill(os.getpid(), signal.SIGKILL)


def quit_early(paths, order, line):
    print("out of patience", file=sys.stderr, flush=True)
    os._exit(7)


def count(paths, order, line):
    """Until it is asked to stop."""
    line.graceful = True
    line.tell({"stage": "counting"})
    while not line.stopping:
        pass
    return {"counted": True}


def hang(paths, order, line):
    line.tell({"stage": "hanging"})
    while True:
        pass
