from collections.abc import Callable
from pathlib import Path
from threading import Event

import pytest

from classification.data.download.fetch import Patience, Settled, Settler, StoppedError
from classification.data.download.items import Item
from classification.data.download.loopback import Fault, some_faults
from classification.data.download.web import Web


@pytest.fixture
def settle(tmp_path: Path, serve, photo) -> Callable[..., Settled]:
    """Fetch ``a.jpg`` from servers that each fail in their own way."""

    def run(*faults: Fault, timeout: float = 2.0, retries: int = 3) -> Settled:
        servers = [serve({"a.jpg": photo()}, fault) for fault in faults]
        item = Item(path="a.jpg", addresses=tuple(f"{s.url}/a.jpg" for s in servers))
        with Web(threads=2, timeout=timeout) as web:
            patience = Patience(retries=retries)
            settler = Settler(tmp_path, web=web, patience=patience, stop=Event())
            return settler.settle(item, None)

    return run


def until(number: int, kind: str) -> Fault:
    """`kind` for the first `number` tries, then the file."""
    return lambda path, tries: kind if tries < number else ""


def always(kind: str) -> Fault:
    return lambda path, tries: kind


@pytest.mark.parametrize("kind", ["throttle", "error", "reset", "cut", "page", "slow"])
def test_passing_faults_are_waited_out(settle, kind: str, photo, tmp_path: Path) -> None:
    settled = settle(until(2, kind))
    assert settled.record.ok
    assert settled.fetched
    assert (tmp_path / "a.jpg").read_bytes() == photo()
    assert list(tmp_path.iterdir()) == [tmp_path / "a.jpg"]


def test_a_short_file_that_claims_to_be_whole_is_fetched_again(settle, photo, tmp_path) -> None:
    assert settle(until(3, "short")).record.ok
    assert (tmp_path / "a.jpg").read_bytes() == photo()


@pytest.mark.parametrize(
    ("kind", "reason"),
    [
        ("throttle", "throttled"),
        ("error", "server_error"),
        ("reset", "connection"),
        ("cut", "incomplete"),
        ("short", "truncated"),
        ("page", "not_image"),
        ("missing", "not_found"),
        ("denied", "denied"),
    ],
)
def test_lasting_faults_leave_a_reason_and_no_file(
    settle, tmp_path: Path, kind: str, reason: str
) -> None:
    record = settle(always(kind)).record
    assert (record.status, record.reason) == ("failed", reason)
    assert record.detail
    assert record.source.endswith("/a.jpg")
    assert list(tmp_path.iterdir()) == []


def test_an_image_damaged_in_the_archive_is_asked_for_twice_and_not_for_ever(
    tmp_path: Path, serve, photo
) -> None:
    server = serve({"a.jpg": photo()[:-200]})
    with Web(threads=1, timeout=2) as web:
        settler = Settler(tmp_path, web=web, patience=Patience(retries=5), stop=Event())
        item = Item(path="a.jpg", addresses=(f"{server.url}/a.jpg",))
        record = settler.settle(item, None).record
    assert record.reason == "truncated"
    assert "as published" in record.detail
    assert server.gets["a.jpg"] == 2


@pytest.mark.parametrize("kind", ["missing", "denied", "throttle", "reset", "short"])
def test_a_mirror_steps_in(settle, kind: str) -> None:
    assert settle(always(kind), always("")).record.ok


def test_no_server_at_all_is_a_connection_failure(tmp_path: Path) -> None:
    item = Item(path="a.jpg", addresses=("http://127.0.0.1:9/a.jpg",))
    with Web(threads=1, timeout=1) as web:
        settler = Settler(tmp_path, web=web, patience=Patience(retries=1), stop=Event())
        assert settler.settle(item, None).record.reason == "connection"


def test_a_server_that_stalls_times_out(settle) -> None:
    record = settle(always("slow"), timeout=0.1, retries=0).record
    assert record.reason == "timeout"


def test_one_impossible_place_is_a_failure_of_one_file(settle, tmp_path: Path) -> None:
    (tmp_path / "a.jpg").mkdir()
    assert settle(always("")).record.reason == "cannot_write"


def test_a_stopped_transfer_leaves_nothing(tmp_path: Path, serve, photo) -> None:
    server = serve({"a.jpg": photo()})
    stop = Event()
    stop.set()
    with Web(threads=1, timeout=2) as web:
        settler = Settler(tmp_path, web=web, patience=Patience(), stop=stop)
        with pytest.raises(StoppedError):
            settler.settle(Item(path="a.jpg", addresses=(f"{server.url}/a.jpg",)), None)
    assert list(tmp_path.iterdir()) == []


def test_injected_faults_are_as_frequent_as_asked() -> None:
    fault = some_faults(0.05)
    hits = [fault(f"{n}.jpg", 0) for n in range(4000)]
    assert 0.03 < sum(map(bool, hits)) / len(hits) < 0.07
    assert hits == [fault(f"{n}.jpg", 0) for n in range(4000)]
