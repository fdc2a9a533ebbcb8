"""A step of work in a process of its own, so that people go on labelling while it runs.

The process is given files and says how it goes by lines of JSON. It ends when it is told to, and
when the app ends, however that comes about.
"""

import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Literal, cast

import numpy as np
from numpy.typing import NDArray

from classification.child_process import python_path
from classification.errors import FieldmarkError
from classification.files import atomic_open, write_json
from classification.paths.app_jobs import StepPaths
from classification.threads import cores

End = Literal["done", "stopped", "failed"]
_LAST = 2_000  # characters of the standard error that are shown
_MODULE = "classification.app.step_process"


@dataclass(frozen=True, kw_only=True)
class Task:
    """What a step is to do.

    Attributes:
        function: ``module:function`` to call in the process; see `step_process`.
        inputs: embeddings or feature maps, which go to the process as a file.
        inputs_file: where they are written, unless they lie in a file of their own.
        order: JSON values for the function.
        arrays: stored by name in the folder of the step.
    """

    function: str
    inputs: NDArray[Any]
    inputs_file: Path
    order: Mapping[str, Any]
    arrays: Mapping[str, NDArray[Any]]


@dataclass(frozen=True, kw_only=True)
class Listener:
    """Who is told; called in the step's thread.

    Attributes:
        heard: gets everything that the process tells.
        ended: gets the step when the process has ended.
    """

    heard: Callable[[dict[str, Any]], None]
    ended: Callable[["Step"], None]


class Step:
    """One process and what it said so far.

    Attributes:
        paths: its folder.
        end: how it ended; None while it runs.
        problem: why it failed, for people; empty otherwise.
        result: what it said when it was done.
    """

    def __init__(self, paths: StepPaths, task: Task, listener: Listener) -> None:
        """Begin; all that takes time is done in a thread."""
        self.paths, self.end, self.problem = paths, None, ""
        self.result: dict[str, Any] = {}
        self._task, self._listener = task, listener
        self._stopping = False
        self._process: subprocess.Popen[bytes] | None = None
        self._thread = threading.Thread(target=self._run, name="app step", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Ask it to come to an end; asked again, it is ended at once."""
        again, self._stopping = self._stopping, True
        if self._process is None:  # it will see it before it begins
            return
        if again:
            self._process.kill()
            return
        with suppress(OSError, ValueError):  # it has just ended
            os.write(cast(IO[bytes], self._process.stdin).fileno(), b"stop\n")

    def wait(self) -> None:
        """Until it has ended and its listener knows."""
        self._thread.join()

    def _run(self) -> None:
        try:
            self._prepare()
            if not self._stopping:
                self._process = self._spawn()
                if self._stopping:
                    self._process.kill()
            self.end, self.problem = (
                self._listen(self._process) if self._process else ("stopped", "")
            )
        except FieldmarkError as error:
            self.end, self.problem = "failed", str(error)
        except Exception as error:  # shown in the app, whatever it is
            self.end, self.problem = "failed", f"{type(error).__name__}: {error}"
        self._listener.ended(self)

    def _prepare(self) -> None:
        task = self._task
        inputs = file_of(task.inputs, task.inputs_file)
        for name, array in task.arrays.items():
            save_array(self.paths, name, array)
        shape = list(task.inputs.shape)
        order = {"function": task.function, "inputs": str(inputs), "shape": shape, **task.order}
        write_json(self.paths.order, order)

    def _spawn(self) -> "subprocess.Popen[bytes]":
        with self.paths.errors.open("wb") as errors:
            return subprocess.Popen(
                [sys.executable, "-m", _MODULE, str(self.paths.root)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
                env=_environment(),
                start_new_session=True,  # an interrupt of the app is not meant for it
            )

    def _listen(self, process: "subprocess.Popen[bytes]") -> tuple[End, str]:
        """Until it ends; how, and the problem."""
        failure = ""
        with process:
            for line in cast(IO[bytes], process.stdout):
                try:
                    said = json.loads(line)
                except ValueError:  # it died in the middle of a word
                    continue
                failure = said.get("failure", failure)
                if "result" in said:
                    self.result = said["result"]
                elif not failure:
                    self._listener.heard(said)
        if self.result and process.returncode == 0:
            return ("stopped" if self._stopping else "done"), ""
        if self._stopping and not failure:
            return "stopped", ""
        return "failed", failure or self._death(process.returncode)

    def _death(self, code: int) -> str:
        """Of a process that could not say why."""
        written = self.paths.errors.read_text("utf-8", errors="replace").strip()[-_LAST:]
        if code == -9:
            return (
                "the process was ended from outside, most likely for lack of memory: close other "
                "programs, or take a smaller network or batch"
            )
        return f"the process ended with code {code}. {written}".strip()


def save_array(paths: StepPaths, name: str, array: NDArray[Any]) -> None:
    """Store an array in the folder of a step."""
    with atomic_open(paths.array(name), "wb") as f:
        np.save(f, array)


def load_array(paths: StepPaths, name: str) -> NDArray[Any]:
    """An array from the folder of a step."""
    return np.load(paths.array(name))


def file_of(array: NDArray[Any], path: Path) -> Path:
    """A file with the numbers of `array`: its own, where it is memory-mapped; or `path`, written
    once. The shape in the file may be another.

    Processes share a file's pages, so that embeddings are in memory once.
    """
    own = Path(str(getattr(array, "filename", None) or ""))
    if own.suffix == ".npy" and own.is_file() and array.flags.c_contiguous:
        stored = np.load(own, mmap_mode="r")
        same = stored.size == array.size and stored.dtype == array.dtype
        if same and _is_whole(array, stored.reshape(array.shape)):
            return own.resolve()
    if not path.exists():
        with atomic_open(path, "wb") as f:
            np.save(f, array)
    return path


def load_inputs(order: Mapping[str, Any]) -> NDArray[Any]:
    """The inputs of a task, memory-mapped, in its process."""
    return np.load(order["inputs"], mmap_mode="r").reshape(order["shape"])


def _is_whole(array: NDArray[Any], stored: NDArray[Any]) -> bool:
    """A view keeps the name of the file it is a part of; its rows are then others."""
    rows = np.unique(np.linspace(0, len(array) - 1, 16).astype(int)) if len(array) else []
    return all(np.array_equal(array[i], stored[i]) for i in rows)


def working_threads() -> int:
    """Threads of a step; one core is left to the app."""
    return max(1, cores() - 1)


def _environment() -> dict[str, str]:
    """A label must not wait for a batch."""
    threads = str(working_threads())
    names = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
    return {**os.environ, **dict.fromkeys(names, threads), "PYTHONPATH": python_path()}
