"""The Label tab as a component of the page: `Talk` on this side, the files of `browser` on that."""

import secrets
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, ClassVar

import panel as pn
import param
from panel.custom import JSComponent

from classification.app.pictures import Pictures
from classification.app.reservations import Seats
from classification.app.state import AppState, Change
from classification.app.talk import Message, Talk

_BROWSER = Path(__file__).parent / "browser"
_SCRIPTS = ("dom", "images", "keys", "stage", "side", "pane", "several", "commands")
_COUNTS_AFTER = 250  # ms: many decisions in a row are counted once
_FOLLOW = 2_000  # ms between two looks at what others decided
_SLOW = ("choose", "picture")  # would keep other browsers waiting: 0.1 to 1 s

_working = ThreadPoolExecutor(4, thread_name_prefix="app")


class LabelPane(JSComponent):
    """What annotators look at."""

    images = param.String(
        doc='Address in front of "crop/17"; "" in a notebook, whose images come as messages.'
    )

    dark = param.Boolean(doc="Colours.")

    _esm = "\n".join((_BROWSER / f"{name}.js").read_text("utf-8") for name in _SCRIPTS)
    _stylesheets: ClassVar = [(_BROWSER / "pane.css").read_text("utf-8")]

    def __init__(
        self,
        state: AppState,
        seats: Seats,
        pictures: Pictures,
        *,
        dark: bool,
        turn_here: Callable[[], object] = lambda: None,
        **params: Any,
    ) -> None:
        """`turn_here` brings this tab to the front; the others are as of `Talk` and below."""
        classes = ["dark"] if dark else []
        super().__init__(sizing_mode="stretch_both", css_classes=classes, dark=dark, **params)
        self._document: Any = pn.state.curdoc  # None in a notebook
        self._served = getattr(self._document, "session_context", None) is not None
        self._state, self._asked, self._turn_here = state, False, turn_here
        self._talk = Talk(state, seats, pictures, name=secrets.token_hex(8), send=self._post)
        self._unwatch = state.watch(self._changed)
        if self._served:
            pn.state.add_periodic_callback(self._follow, period=_FOLLOW)
            pn.state.on_session_destroyed(lambda _: self.close())

    def close(self) -> None:
        """The browser is gone: others may have what it held."""
        self._unwatch()
        self._talk.close()

    def _follow(self) -> None:
        self._state.follow()

    def _handle_msg(self, data: Any) -> None:
        kind = data.get("type") if isinstance(data, dict) else None
        if kind in _SLOW:
            _working.submit(self._talk.hear, data)
        else:
            self._talk.hear(data)

    def _post(self, message: Message) -> None:
        """To the browser, from any thread."""
        if not self._served or pn.state.curdoc is self._document:
            self._send_msg(message)
        else:
            self._document.add_next_tick_callback(lambda: self._send_msg(message))

    def _changed(self, change: Change) -> None:
        """Any thread: something changed that this browser may show."""
        if change in ("labels", "predictions") and not self._asked:
            self._asked = True
            self._later(self._count, _COUNTS_AFTER)
        proposed = change == "proposal" and pn.state.curdoc in (None, self._document)
        if change != "labels":
            self._later(lambda: self._talk.tell_setup(proposed=proposed), 0)
        if proposed:  # by this page, not by somebody else's
            self._later(self._turn_here, 0)

    def _count(self) -> None:
        self._asked = False
        self._talk.tell_counts()

    def _later(self, work: Any, after: int) -> None:
        document = self._document
        if not self._served:
            work()
        elif after:
            document.add_next_tick_callback(lambda: document.add_timeout_callback(work, after))
        else:
            document.add_next_tick_callback(work)
