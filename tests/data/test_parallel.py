import math
import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from classification.data.parallel import core_count, in_chunks, map_chunks
from classification.errors import FieldmarkError


@given(st.lists(st.integers()), st.integers(1, 9))
def test_chunks_hold_everything_in_order(items: list[int], size: int) -> None:
    chunks = list(in_chunks(items, size))
    assert [item for chunk in chunks for item in chunk] == items
    assert all(len(chunk) == size for chunk in chunks[:-1])


def test_answers_come_in_order_whatever_the_processes() -> None:
    numbers = list(range(50))
    expected = [math.factorial(n) for n in numbers]
    assert list(map_chunks(math.factorial, numbers, processes=1)) == expected
    assert list(map_chunks(math.factorial, numbers, processes=2)) == expected


def test_error_of_a_process_reaches_the_caller() -> None:
    with pytest.raises(ValueError, match="negative"):
        list(map_chunks(math.factorial, [3, -1], processes=2))


def test_killed_process_says_what_to_do() -> None:
    with pytest.raises(FieldmarkError, match="fewer --threads"):
        list(map_chunks(os._exit, [1], processes=2))


def test_core_count() -> None:
    assert core_count(3) == 3
    assert core_count() >= 1
