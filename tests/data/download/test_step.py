import csv
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import boto3
import pytest
from moto.server import ThreadedMotoServer

from classification.data.download import estimate, loopback, report
from classification.data.download.loopback import FAULTS, some_faults
from classification.data.download.step import download_images
from classification.errors import FieldmarkError

NAMES = [f"cam{n % 3}/{n}.jpg" for n in range(40)]


@pytest.fixture
def files(photo) -> dict[str, bytes]:
    return {f"bucket/pre/{name}": photo(n) for n, name in enumerate(NAMES)}


def on_disk(root: Path) -> dict[str, bytes]:
    return {p.relative_to(root).as_posix(): p.read_bytes() for p in root.rglob("*.jpg")}


def rows(root: Path) -> list[dict[str, str]]:
    with (root / "download_manifest.csv").open(newline="") as f:
        return list(csv.DictReader(f))


def published(files: dict[str, bytes]) -> dict[str, bytes]:
    return {name.removeprefix("bucket/pre/"): data for name, data in files.items()}


@pytest.mark.parametrize("scheme", ["s3", "http"])
@pytest.mark.parametrize("credentials", [True, False])
def test_everything_arrives_in_spite_of_faults(
    scheme, credentials, serve, files, options, monkeypatch
) -> None:
    server = serve(files, some_faults(0.3, (*FAULTS, "slow")))
    monkeypatch.setenv("AWS_ENDPOINT_URL", server.url)
    if credentials:
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", "key")
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    source = "s3://bucket/pre" if scheme == "s3" else f"{server.url}/bucket/pre/"
    chosen = options(NAMES, source, retries=10)
    download_images(chosen)
    assert on_disk(chosen.output_dir) == published(files)
    table = rows(chosen.output_dir)
    assert {row["status"] for row in table} == {"ok"}
    assert all(row["sha256"] and row["etag"] and row["source"] for row in table)
    assert not list(chosen.output_dir.rglob("*.tmp"))


def test_a_second_run_asks_for_nothing(serve, files, options, capsys) -> None:
    server = serve(files)
    chosen = options(NAMES, f"{server.url}/bucket/pre")
    download_images(chosen)
    before = server.requests.total()
    download_images(chosen)
    assert server.requests.total() == before
    assert "40 were there, 0 failed" in capsys.readouterr().out


def test_a_second_run_fetches_what_is_missing_or_wrong_and_only_that(serve, files, options) -> None:
    server = serve(files)
    chosen = options(NAMES, f"{server.url}/bucket/pre")
    download_images(chosen)
    root = chosen.output_dir
    (root / NAMES[0]).unlink()
    (root / NAMES[1]).write_bytes(b"cut")
    data = bytearray((root / NAMES[2]).read_bytes())
    data[200] ^= 1
    (root / NAMES[2]).write_bytes(bytes(data))  # same size, another content
    os.utime(root / NAMES[3])  # another time, same content
    server.gets.clear()
    download_images(chosen)
    assert on_disk(root) == published(files)
    assert sorted(server.gets) == sorted(f"bucket/pre/{name}" for name in NAMES[:3])


def test_verify_finds_a_change_that_kept_size_and_time(serve, files, options) -> None:
    server = serve(files)
    chosen = options(NAMES, f"{server.url}/bucket/pre")
    download_images(chosen)
    path = chosen.output_dir / NAMES[5]
    stat, data = path.stat(), bytearray(path.read_bytes())
    data[300] ^= 1
    path.write_bytes(bytes(data))
    os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns))
    download_images(chosen)
    assert path.read_bytes() == bytes(data)  # not read, so not seen
    download_images(options(NAMES, f"{server.url}/bucket/pre", verify=True))
    assert on_disk(chosen.output_dir) == published(files)


def test_files_left_without_a_ledger_are_checked_not_fetched(serve, files, options) -> None:
    server = serve(files)
    chosen = options(NAMES, f"{server.url}/bucket/pre")
    download_images(chosen)
    (chosen.output_dir / "download.db").unlink()
    (chosen.output_dir / NAMES[0]).write_bytes(files[f"bucket/pre/{NAMES[0]}"][:-9])
    server.gets.clear()
    download_images(chosen)
    assert list(server.gets) == [f"bucket/pre/{NAMES[0]}"]
    assert on_disk(chosen.output_dir) == published(files)


def test_failures_beyond_the_budget_fail_the_run_and_stop_no_other_file(
    serve, files, options, capsys
) -> None:
    lost = {f"bucket/pre/{NAMES[n]}" for n in (3, 7)}
    server = serve({name: data for name, data in files.items() if name not in lost})
    chosen = options([*NAMES, "../up.jpg"], f"{server.url}/bucket/pre")
    with pytest.raises(FieldmarkError, match="3 of 41 files failed"):
        download_images(chosen)
    assert len(on_disk(chosen.output_dir)) == 38
    out = capsys.readouterr().out
    assert "2 not_found" in out
    assert "1 unsafe_name" in out
    reasons = {row["path"]: row["reason"] for row in rows(chosen.output_dir) if row["reason"]}
    assert reasons == {NAMES[3]: "not_found", NAMES[7]: "not_found", "../up.jpg": "unsafe_name"}
    assert not (chosen.output_dir.parent / "up.jpg").exists()
    download_images(options([*NAMES, "../up.jpg"], f"{server.url}/bucket/pre", max_failures=0.1))


def test_a_mirror_serves_what_the_first_lacks(serve, files, options) -> None:
    half = dict(list(files.items())[:20])
    first, second = serve(half, some_faults(0.3)), serve(files)
    chosen = options(NAMES, f"{first.url}/bucket/pre", f"{second.url}/bucket/pre")
    download_images(chosen)
    assert on_disk(chosen.output_dir) == published(files)


def test_another_source_into_the_same_folder_is_refused(serve, files, options) -> None:
    one, two = serve(files), serve(files)
    download_images(options(NAMES, f"{one.url}/bucket/pre"))
    with pytest.raises(FieldmarkError, match="--accept-other-source"):
        download_images(options(NAMES, f"{two.url}/bucket/pre"))
    download_images(options(NAMES, f"{two.url}/bucket/pre", accept_other_source=True))
    assert not two.gets


def test_a_dry_run_writes_nothing_and_says_how_much(serve, files, options, capsys) -> None:
    server = serve(files)
    download_images(options(NAMES, f"{server.url}/bucket/pre", dry_run=True))
    out = capsys.readouterr().out
    assert "40 files to fetch" in out
    assert "MB" in out
    assert "threads" in out
    assert not options(NAMES).output_dir.exists()


def test_a_full_disk_is_refused_before_anything_is_fetched(
    serve, files, options, monkeypatch
) -> None:
    server = serve(files)
    monkeypatch.setattr(estimate, "free_bytes", lambda folder: 1000)
    with pytest.raises(FieldmarkError, match="Make room"):
        download_images(options(NAMES, f"{server.url}/bucket/pre"))
    assert not server.gets


def test_a_run_without_access_gives_up_early(serve, files, options, monkeypatch) -> None:
    monkeypatch.setattr(report, "_HOPELESS", 10)
    server = serve(files, lambda path, tries: "denied")
    # Two threads have at most eight files in hand when the tenth failure is counted, however
    # late the counting thread gets its turn.
    with pytest.raises(FieldmarkError, match=r"none of the first 10 files(.|\n)*--profile"):
        download_images(options(NAMES, f"{server.url}/bucket/pre", max_threads=2))
    assert len(server.gets) <= 18


def test_images_that_the_archive_holds_truncated_are_kept_on_request(serve, files, options) -> None:
    files[f"bucket/pre/{NAMES[4]}"] = files[f"bucket/pre/{NAMES[4]}"][:-300]
    server = serve(files)
    with pytest.raises(FieldmarkError, match="1 of 40"):
        download_images(options(NAMES, f"{server.url}/bucket/pre"))
    download_images(options(NAMES, f"{server.url}/bucket/pre", keep_truncated=True))
    assert on_disk(options(NAMES).output_dir) == published(files)
    server.gets.clear()
    download_images(options(NAMES, f"{server.url}/bucket/pre", verify=True))
    assert not server.gets


def test_an_unknown_profile_is_named(options) -> None:
    with pytest.raises(FieldmarkError, match="no AWS profile 'nobody'"):
        download_images(options(NAMES, "s3://bucket/pre", profile="nobody"))


def test_against_moto_with_an_animl_export(files, tmp_path, write_dataset, monkeypatch, options):
    (tmp_path / "aws_credentials").write_text(
        "[animl]\naws_access_key_id = a\naws_secret_access_key = b\n"
    )
    moto = ThreadedMotoServer(port=0, verbose=False)
    moto.start()
    try:
        host, port = moto.get_host_and_port()
        monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://{host}:{port}")
        session = boto3.Session(profile_name="animl")
        s3 = session.client("s3", region_name="us-west-2")
        s3.create_bucket(
            Bucket="animl-images-serving-prod",
            CreateBucketConfiguration={"LocationConstraint": "us-west-2"},
        )
        images, contents = [], {}
        for n, data in enumerate(list(files.values())[:6]):
            key = f"original/p {n}-original.jpg"
            s3.put_object(Bucket="animl-images-serving-prod", Key=key, Body=data)
            contents[f"proj/cam/{n}.jpg"] = data
            images.append({"file_name": f"proj/cam/{n}.jpg", "serving_bucket_key": key})
        images.append({"file_name": "gone.jpg", "serving_bucket_key": "original/none.jpg"})
        chosen = options(NAMES, max_failures=0.5)
        write_dataset(images)
        download_images(chosen)
        s3.close()
    finally:
        moto.stop()
    assert on_disk(chosen.output_dir) == contents
    assert [r["reason"] for r in rows(chosen.output_dir) if r["status"] != "ok"] == ["not_found"]


@pytest.mark.skipif(os.name == "nt", reason="signals")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_a_run_that_is_stopped_goes_on_where_it_was(
    serve, files, options, root, number, monkeypatch
) -> None:
    monkeypatch.setattr(loopback, "_SLOW", 1.0)  # ten seconds in all: the signal comes within
    server = serve(files, lambda path, tries: "slow")
    chosen = options(NAMES, f"{server.url}/bucket/pre", max_threads=4)
    command = [sys.executable, str(root / "utils" / "download_images.py"), "--max-threads", "4"]
    command += ["--cct-json", str(chosen.cct_json), "--output-dir", str(chosen.output_dir)]
    command += ["--source", f"{server.url}/bucket/pre"]
    process = subprocess.Popen(
        command,
        stderr=subprocess.PIPE,
        text=True,
        # A shell's background jobs ignore Ctrl-C, and so would their children.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    while process.poll() is None and not list(chosen.output_dir.rglob("*.jpg")):
        time.sleep(0.05)
    process.send_signal(number)
    _, err = process.communicate(timeout=60)
    if number == signal.SIGINT:
        assert process.returncode == 130
        assert "run the same command again" in err
        assert "Traceback" not in err
        assert not list(chosen.output_dir.rglob("*.tmp"))
    first = on_disk(chosen.output_dir)
    assert 0 < len(first) < len(NAMES)
    assert first.items() <= published(files).items()  # never half a file under its name
    server.fault = lambda path, tries: ""
    download_images(chosen)
    assert on_disk(chosen.output_dir) == published(files)
    assert server.gets.total() <= len(NAMES) + 4
