"""Which browser of this server shows what: an item is on one screen at a time."""

import threading
from collections.abc import Sequence
from dataclasses import dataclass, field


@dataclass
class Seats:
    """The browsers of one server. Guarded by one lock: decisions come one after the other."""

    taken: dict[int, str] = field(default_factory=dict)
    """Which seat shows each item."""
    lock: threading.RLock = field(default_factory=threading.RLock)

    def reserve(self, numbers: Sequence[int], seat: str) -> list[int]:
        """Those that no other seat shows; they are this one's now."""
        with self.lock:
            mine = [n for n in numbers if self.taken.get(n, seat) == seat]
            self.taken.update(dict.fromkeys(mine, seat))
            return mine

    def free(self, numbers: Sequence[int], seat: str) -> None:
        """Let others have them."""
        with self.lock:
            for number in numbers:
                if self.taken.get(number) == seat:
                    del self.taken[number]

    def free_all(self, seat: str) -> list[int]:
        """Let others have all that a seat held."""
        with self.lock:
            held = [n for n, who in self.taken.items() if who == seat]
            self.free(held, seat)
            return held
