"""A process that dies after so many calls."""

import functools
from collections.abc import Iterable

import pytest


def make_mortal(monkeypatch: pytest.MonkeyPatch, target: object, names: Iterable[str]) -> list[int]:
    """Methods `names` of `target` kill after as many calls, all together, as the only item says."""
    left = [10**9]

    def mortal(method):
        @functools.wraps(method)
        def call(*args, **kwargs):
            answer = method(*args, **kwargs)
            left[0] -= 1
            if left[0] == 0:
                raise KeyboardInterrupt
            return answer

        return call

    for name in names:
        monkeypatch.setattr(target, name, mortal(getattr(target, name)))
    return left
