"""Objects of a bucket coming here: whole, once, by either reader, and faults that are told."""

import pytest

from classification.data.download.loopback import Loopback, some_faults
from classification.errors import FieldmarkError
from classification.launch import fetch as module
from classification.launch import readers
from classification.launch.aws import Aws
from classification.launch.fetch import Stored, fetch, stored
from classification.launch.fetch_dataset import FetchOptions, choose_tables, fetch_dataset
from classification.launch.sagemaker import SageMakerLauncher
from classification.paths import DatasetPaths, RunPaths
from tests.launch.cloud import BUCKET
from tests.launch.machine import REGION
from tests.tiny import make_tiny

FILES = {f"bucket/data/cam {n % 3}/ü{n:02d}.jpg": bytes([n]) * (n * 7) for n in range(40)}
FILES["bucket/data/large.bin"] = bytes(range(256)) * 40_000
URI = "s3://bucket/data"


@pytest.fixture(params=["signed", "native"])
def reader(request, monkeypatch):
    """Either reader, whatever is installed."""
    if request.param == "native":
        pytest.importorskip("obstore", reason="extra fast")
    else:
        monkeypatch.setattr(readers, "find_spec", lambda name: None)


@pytest.fixture
def aws(monkeypatch):
    """Clients with credentials that no server checks."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "key")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    monkeypatch.setattr(module, "_FIRST_WAIT", 0.01)
    return Aws(region=REGION)


def content(folder):
    return {
        f"bucket/data/{path.relative_to(folder).as_posix()}": path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


def test_everything_comes_once_and_what_changed_comes_again(reader, aws, tmp_path, monkeypatch):
    files = dict(FILES)
    with Loopback(files) as server:
        monkeypatch.setenv("AWS_ENDPOINT_URL", server.url)
        done = fetch(aws, URI, tmp_path, stored(aws, URI))
        assert content(tmp_path) == FILES
        assert (done.files, done.kept) == (41, 0)
        assert done.bytes == sum(map(len, FILES.values()))
        again = fetch(aws, URI, tmp_path, stored(aws, URI))
        assert (again.files, again.kept) == (0, 41)
        files["bucket/data/cam 1/ü01.jpg"] = b"longer than it was before"
        (tmp_path / "cam 2" / "ü02.jpg").write_bytes(b"half")
        arrived = []
        last = fetch(aws, URI, tmp_path, stored(aws, URI), arrived=arrived.append)
        assert (last.files, last.kept) == (2, 39)
        assert sorted(item.name for item in arrived) == ["cam 1/ü01.jpg", "cam 2/ü02.jpg"]
        assert content(tmp_path) == files


def test_a_file_older_than_its_object_is_brought_again(reader, aws, tmp_path, monkeypatch):
    with Loopback(FILES) as server:
        monkeypatch.setenv("AWS_ENDPOINT_URL", server.url)
        name = "cam 1/ü01.jpg"
        fetch(aws, URI, tmp_path, [Stored(name, 7, 1000.0)])
        assert (tmp_path / name).stat().st_mtime == 1000.0
        done = fetch(aws, URI, tmp_path, [Stored(name, 7, 2000.0)])
    assert done.files == 1


def test_passing_faults_cost_tries_and_no_file(reader, aws, tmp_path, monkeypatch):
    faults = some_faults(0.2, ("throttle", "error", "cut"))
    with Loopback(FILES, fault=faults) as server:
        monkeypatch.setenv("AWS_ENDPOINT_URL", server.url)
        fetch(aws, URI, tmp_path, stored(aws, URI))
        assert server.gets.total() > len(FILES)
    assert content(tmp_path) == FILES


def test_what_cannot_be_had_is_named_and_the_rest_is_here(reader, aws, tmp_path, monkeypatch):
    def fault(path, tries):
        return {"01.jpg": "missing", "02.jpg": "denied"}.get(path[-6:], "")

    with Loopback(FILES, fault=fault) as server:
        monkeypatch.setenv("AWS_ENDPOINT_URL", server.url)
        with pytest.raises(FieldmarkError) as error:
            fetch(aws, URI, tmp_path, stored(aws, URI))
        assert max(server.gets.values()) == 1  # these two are not worth a second try
    text = str(error.value)
    assert "2 of 41 objects of s3://bucket/data could not be had" in text
    assert "ü01.jpg: not_found" in text
    assert "ü02.jpg: denied" in text
    assert len(content(tmp_path)) == 39
    assert not list(tmp_path.rglob("*.tmp"))


def test_names_that_leave_the_folder_are_refused(aws, tmp_path):
    with pytest.raises(FieldmarkError, match=r"'\.\./evil'"):
        fetch(aws, URI, tmp_path, [Stored("../evil", 1, 0.0)])
    assert not list(tmp_path.iterdir())


def test_a_dataset_that_a_job_used_comes_to_another_machine(
    cloud, tmp_path, monkeypatch, capsys, reader
):
    from tests.launch.test_sagemaker import job_of

    monkeypatch.setattr("classification.launch.request.UNPACK", "true")
    tiny = make_tiny(tmp_path / "here")
    SageMakerLauncher().submit(job_of(tiny))
    out = DatasetPaths(tmp_path / "there")
    options = {"source": f"s3://{BUCKET}/fieldmark", "output_dir": out.root}
    capsys.readouterr()
    fetch_dataset(FetchOptions(dataset="data", **options))
    assert "crops: 90 fetched" in capsys.readouterr().out
    for path in (tiny.data.table, tiny.data.label_index, tiny.data.splits):
        assert (out.root / path.name).read_bytes() == path.read_bytes()
    assert {p.name: p.read_bytes() for p in out.crops.iterdir()} == {
        p.name: p.read_bytes() for p in tiny.data.crops.iterdir()
    }
    fetch_dataset(FetchOptions(dataset="data", **options))
    assert "crops: 0 fetched, 0.0 MB, 90 were here" in capsys.readouterr().out
    with pytest.raises(FieldmarkError, match="0 versions of the tables"):
        fetch_dataset(FetchOptions(dataset="no-such", **options))
    assert RunPaths(tiny.run.root).config.exists()


def test_the_newest_tables_or_those_that_are_named():
    found = [Stored("aa11/a.csv", 1, 5.0), Stored("ab22/a.csv", 1, 9.0), Stored("ab22/b", 1, 8.0)]
    version, files = choose_tables(found, "", where="x")
    assert version == "ab22"
    assert [item.name for item in files] == ["a.csv", "b"]
    assert choose_tables(found, "aa", where="x")[0] == "aa11"
    for start in ("a", "zz"):
        with pytest.raises(FieldmarkError, match="There: aa11, ab22"):
            choose_tables(found, start, where="x")
