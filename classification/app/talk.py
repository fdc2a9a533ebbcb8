"""The conversation with one browser: messages in, messages out, nothing of Panel.

Every answer of an annotator is in the store before "done" is sent, and the browser shows the next
image only then. A message that makes no sense is answered with an "error" and changes nothing.
"""

import logging
from collections.abc import Callable
from typing import Any

import numpy as np

from classification.app.cards import card, counts, setup
from classification.app.pictures import KINDS, Pictures
from classification.app.reservations import Seats
from classification.app.seats import Answer, Seat
from classification.app.selections import SELECTIONS, Wish
from classification.app.state import AppState
from classification.data.images import ImageError
from classification.errors import FieldmarkError

Message = dict[str, Any]
_log = logging.getLogger(__name__)
_AHEAD = 12  # items held and sent beyond those on the screen, whose images are fetched meanwhile
_MOST = 200  # items on one screen


class Talk:
    """One browser's requests, carried out.

    Args:
        state: what is labelled.
        seats: of all browsers of this server.
        pictures: to be sent in messages where there is no server that serves them.
        name: of this browser, unlike that of any other.
        send: gives a message to the browser; may be called from any thread.
    """

    def __init__(
        self,
        state: AppState,
        seats: Seats,
        pictures: Pictures,
        *,
        name: str,
        send: Callable[[Message], object],
    ) -> None:
        self.state, self._seats, self._pictures = state, seats, pictures
        self._name, self._send = name, send
        self._rng = np.random.default_rng()
        self.seat: Seat | None = None

    def hear(self, message: Any) -> None:
        """Carry out what the browser asks for."""
        kind = message.get("type") if isinstance(message, dict) else None
        request = message.get("id") if isinstance(message, dict) else None
        try:
            if kind not in _HEARD:
                raise FieldmarkError(f"unknown message {kind!r}")
            if self.seat is None and kind not in ("hello", "picture"):
                raise FieldmarkError("say who labels first")
            _HEARD[kind](self, message)
        except FieldmarkError as error:
            self._send({"type": "error", "id": request, "text": str(error)})
        except (KeyError, TypeError, ValueError, IndexError) as error:
            text = f"malformed message {kind!r}: {type(error).__name__} {error}"
            self._send({"type": "error", "id": request, "text": text})
        except Exception as error:  # the browser waits for an answer
            _log.exception("message %r", kind)
            text = f"this did not work ({type(error).__name__}: {error}); the server's log has more"
            self._send({"type": "error", "id": request, "text": text})

    def tell_counts(self) -> None:
        """Send how labelling stands."""
        if self.seat is not None:
            self._send({"type": "counts", **counts(self.state, self.seat)})

    def tell_setup(self, *, proposed: bool = False) -> None:
        """Send what the tab is drawn from; with `proposed` it turns to what another tab sent."""
        self._send({"type": "setup", "proposed": proposed, **setup(self.state)})

    def close(self) -> None:
        """The browser is gone: others may have what it held."""
        if self.seat is not None:
            self.seat.leave()

    def _hello(self, message: Message) -> None:
        annotator = str(message.get("annotator") or self.state.annotator)[:100]
        if before := str(message.get("before") or ""):
            self._seats.free_all(before)  # this tab before it was loaded anew
        if self.seat is not None:
            self.seat.leave()
        self.seat = Seat(self.state, self._seats, name=self._name, annotator=annotator)
        self._send({"type": "hello", "name": self._name, "annotator": self.seat.annotator})
        self.tell_setup()

    def _choose(self, message: Message) -> None:
        wish = Wish(
            which=str(message["which"]),
            order=str(message["order"]),
            target=int(message.get("target", -1)),
            anchor=int(message.get("anchor", -1)),
            split=str(message.get("split", "")),
        )
        self._here.choose(wish, self._rng)
        self._queue(message, "chosen")
        self.tell_counts()

    def _decide(self, message: Message) -> None:
        answer = Answer(
            verdict=str(message["verdict"]),
            label=str(message["label"]) if message.get("label") is not None else None,
            present=tuple(map(str, message.get("present") or ())),
            absent=tuple(map(str, message.get("absent") or ())),
            shown_at=str(message["shown_at"]) if message.get("shown_at") else None,
        )
        numbers = _numbers(message)
        self._here.decide(numbers, answer)
        self._queue(message, "done", cards=[card(self.state, n) for n in numbers])

    def _undo(self, message: Message) -> None:
        self._queue(message, "first", first=self._here.undo())

    def _previous(self, message: Message) -> None:
        self._queue(message, "first", first=self._here.previous())

    def _jump(self, message: Message) -> None:
        to = str(message["to"]).strip()
        number = self.state.marks.number.get(to, int(to) - 1 if to.isdecimal() else -1)
        if not 0 <= number < len(self.state):
            raise FieldmarkError(f"{to[:80]!r} is no item: give a number up to {len(self.state)}")
        first = self._here.put_first([number])
        if not first:
            raise FieldmarkError(f"{self.state.items.names[number]} is on another screen now")
        self._queue(message, "first", first=first)

    def _burst(self, message: Message) -> None:
        self._queue(message, "first", first=self._here.burst(int(message["item"])), burst=True)

    def _flag(self, message: Message) -> None:
        numbers, flag = _numbers(message), bool(message["on"])
        self._here.require(numbers)
        self.state.set_validation(numbers, flag, annotator=self._here.annotator)
        self._queue(message, "flagged", cards=[card(self.state, n) for n in numbers])

    def _class(self, message: Message) -> None:
        number = self.state.add_class(str(message["name"]))
        self.tell_setup()  # before the number is used
        self._send({"type": "class", "id": message.get("id"), "number": number})

    def _picture(self, message: Message) -> None:
        kind, number = message["kind"], int(message["item"])
        if kind not in KINDS:
            raise FieldmarkError(f"{kind!r} is none of {', '.join(KINDS)}")
        reply = {"type": "picture", "kind": kind, "item": number}
        try:
            self._send({**reply, "url": self._pictures.get(kind, number).url})
        except ImageError as error:
            self._send({**reply, "error": str(error)})

    def _leave(self, _: Message) -> None:
        self._here.leave()

    def _renew(self, _: Message) -> None:
        self._here.renew()

    @property
    def _here(self) -> Seat:
        assert self.seat is not None  # `hear` has checked
        return self.seat

    def _queue(self, message: Message, kind: str, **more: Any) -> None:
        """Answer with what is next: enough for the screen, and some to be fetched ahead."""
        count = max(1, min(int(message.get("count", 1)), _MOST))
        seat = self._here
        if len(seat.queue) < count + _AHEAD // 2:
            seat.fill(count + _AHEAD)
        shown = seat.queue[: max(count + _AHEAD, len(more.get("first", ())))]
        self._send(
            {
                "type": kind,
                "id": message.get("id"),
                "items": [card(self.state, n) for n in shown],
                "left": seat.left,
                "waiting": SELECTIONS[seat.wish.which].waiting,
                **more,
            }
        )


def _numbers(message: Message) -> list[int]:
    numbers = [int(n) for n in message["items"]]
    if len(numbers) > _MOST:
        raise FieldmarkError(f"{len(numbers)} items at once; at most {_MOST}")
    return numbers


_HEARD: dict[str | None, Callable[[Talk, Message], None]] = {
    "hello": Talk._hello,
    "choose": Talk._choose,
    "decide": Talk._decide,
    "undo": Talk._undo,
    "previous": Talk._previous,
    "jump": Talk._jump,
    "burst": Talk._burst,
    "flag": Talk._flag,
    "class": Talk._class,
    "picture": Talk._picture,
    "leave": Talk._leave,
    "renew": Talk._renew,
}
