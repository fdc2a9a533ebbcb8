"""The process of a background step: ``python -m classification.app.step_process FOLDER``.

The function named in the folder's order is called with the folder, the order, and a line to the
app. It ends at once when the app does: the pipe to its standard input closes.
"""

import json
import os
import sys
import threading
import traceback
from collections.abc import Callable
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from typing import Any

from classification.errors import FieldmarkError
from classification.files import read_json
from classification.paths.app_jobs import StepPaths

_NICE = 5  # people's clicks come first
_GONE = 3


@dataclass(kw_only=True)
class Line:
    """The line to the app.

    Attributes:
        tell: sends JSON values.
        graceful: whether the function looks at `stopping` by itself; otherwise being told to stop
            ends the process.
    """

    tell: Callable[[dict[str, Any]], None]
    graceful: bool = False
    _stop: threading.Event = field(default_factory=threading.Event)

    @property
    def stopping(self) -> bool:
        """Whether the app asked for an end."""
        return self._stop.is_set()

    def listen(self) -> None:
        """Wait for the app's word; runs in a thread."""
        while os.read(0, 64):  # not sys.stdin, whose lock would be in the way at the end
            self._stop.set()
            if not self.graceful:
                os._exit(_GONE)
        os._exit(_GONE)  # the app is gone, and so is whoever would look at the result


def main() -> int:
    """Do what the order in the folder of the first argument says; the exit code."""
    paths = StepPaths(Path(sys.argv[1]))
    order = read_json(paths.order, what="order of a background step")
    # What a library prints must not come between the messages.
    out = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    guard = threading.Lock()

    def tell(values: dict[str, Any]) -> None:
        with guard:
            out.write(json.dumps(values) + "\n")
            out.flush()

    if hasattr(os, "nice"):
        os.nice(_NICE)
    line = Line(tell=tell)
    threading.Thread(target=line.listen, daemon=True).start()
    module, _, name = order["function"].partition(":")
    try:
        result = getattr(import_module(module), name)(paths, order, line)
    except FieldmarkError as error:
        tell({"failure": str(error)})
        return 1
    except BaseException as error:  # it must be seen in the app, whatever it is
        traceback.print_exc()
        tell({"failure": f"{type(error).__name__}: {error}\n{_where(error)}"})
        return 1
    tell({"result": result})
    return 0


def _where(error: BaseException) -> str:
    """Where it happened, in a line."""
    frames = traceback.extract_tb(error.__traceback__)
    return f"in {Path(frames[-1].filename).name}, line {frames[-1].lineno}" if frames else ""


if __name__ == "__main__":
    sys.exit(main())
