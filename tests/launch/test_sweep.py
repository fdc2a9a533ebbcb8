"""What piles up in S3 beside a job that deletes only here."""

import pytest

from classification.errors import FieldmarkError
from classification.launch import sweep as module
from classification.launch.aws import Aws
from classification.launch.restore import restore
from classification.launch.seed import Remote
from classification.launch.snapshots import Snapshots
from classification.launch.sweep import Sweeper, sweep
from classification.paths import CheckpointPaths, RunPaths
from tests.launch.cloud import BUCKET
from tests.launch.machine import REGION

PREFIX = "fieldmark/checkpoints/m/e/first"
URI = f"s3://{BUCKET}/{PREFIX}"


@pytest.fixture
def run(tmp_path):
    made = RunPaths(tmp_path / "m" / "e")
    made.round(0).root.mkdir(parents=True)
    made.round(0).metrics.write_text("{}")
    return made


@pytest.fixture
def store(tmp_path):
    return CheckpointPaths(tmp_path / "checkpoints")


@pytest.fixture
def all_old(monkeypatch):
    monkeypatch.setattr(module, "_YOUNG", -60.0)


def copy(cloud, store, *, leave_out=()):
    """What AWS does: adds, and never deletes."""
    for path in store.root.rglob("*"):
        name = path.relative_to(store.root).as_posix()
        if path.is_file() and path.name not in leave_out:
            key = f"{PREFIX}/{name}"
            cloud.clients["s3"].put_object(Bucket=BUCKET, Key=key, Body=path.read_bytes())


def play(cloud, run, store, numbers):
    """Snapshots of a state that changes all the time."""
    made = Snapshots(run=run, store=store)
    for number in numbers:
        run.checkpoints.mkdir(exist_ok=True)
        (run.checkpoints / "a.unfinished.pt").write_bytes(bytes([number]) * 1000)
        made.take()
        copy(cloud, store)


def restored(folder):
    run = RunPaths(folder / "m" / "e")
    number = restore(Remote(aws=Aws(region=REGION), uri=URI), run)
    return number, (run.checkpoints / "a.unfinished.pt").read_bytes()[0]


def test_what_is_superseded_goes_and_the_newest_is_gone_on_from(
    cloud, run, store, tmp_path, all_old
):
    play(cloud, run, store, range(1, 8))
    assert len(cloud.keys(PREFIX)) == 7 + 7 + 1  # lists, states and the round
    assert sweep(Aws(region=REGION), URI, store) > 4 * 1000
    names = {key.removeprefix(f"{PREFIX}/") for key in cloud.keys(PREFIX)}
    here = {p.relative_to(store.root).as_posix() for p in store.root.rglob("*") if p.is_file()}
    assert names == {name for name in here if "0005" not in name and "0006" not in name}
    assert restored(tmp_path / "there") == (7, 7)
    assert sweep(Aws(region=REGION), URI, store) == 0


def test_a_newest_snapshot_still_on_its_way_keeps_the_one_before(
    cloud, run, store, tmp_path, all_old
):
    play(cloud, run, store, range(1, 6))
    elsewhere = CheckpointPaths(tmp_path / "emptied")
    (run.checkpoints / "a.unfinished.pt").write_bytes(b"6" * 1000)
    before = {path.name for path in store.parts.iterdir()}
    Snapshots(run=run, store=store).take()
    new = {path.name for path in store.parts.iterdir()} - before
    copy(cloud, store, leave_out=new)  # its list is there, and not its new part
    sweep(Aws(region=REGION), URI, elsewhere)
    assert restored(tmp_path / "there") == (5, 5)
    copy(cloud, store)
    assert restored(tmp_path / "later") == (6, ord("6"))


def test_what_is_young_or_not_understood_stays(cloud, run, store, monkeypatch):
    play(cloud, run, store, range(1, 6))
    before = cloud.keys(PREFIX)
    assert sweep(Aws(region=REGION), URI, store) == 0  # all of the last hour
    monkeypatch.setattr(module, "_YOUNG", -60.0)
    cloud.clients["s3"].put_object(
        Bucket=BUCKET, Key=f"{PREFIX}/snapshots/00000009.json", Body=b"["
    )
    assert sweep(Aws(region=REGION), URI, store) == 0
    assert set(before) < set(cloud.keys(PREFIX))
    assert sweep(Aws(region=REGION), f"s3://{BUCKET}/nothing", store) == 0


def test_it_happens_once_an_hour_and_a_fault_is_only_said(store, monkeypatch, capsys):
    now, swept = [0.0], []

    def refused(aws, uri, here):
        swept.append(uri)
        raise FieldmarkError("AWS refused it")

    monkeypatch.setattr(module, "sweep", refused)
    monkeypatch.setenv("AWS_REGION", REGION)
    sweeper = Sweeper(uri=URI, here=store, clock=lambda: now[0])
    for minutes in range(0, 150, 5):
        now[0] = 60.0 * minutes
        sweeper.maybe()
    assert swept == [URI] * 2
    assert capsys.readouterr().out.count("stay in S3: AWS refused it") == 2
    Sweeper(uri="", here=store, clock=lambda: 1e9).maybe()
    assert len(swept) == 2
