"""Download speed against the AWS command line, and loss under faults, on the loopback.

    python benchmarks/download_speed.py [--files 5000] [--kilobytes 100] [--rounds 2]

Both clients read the same objects from the same server, which runs in a process of its own, in
turn; the order alternates. Then the same files are fetched while 5 % of all requests fail, are
throttled, break off or come short. Exit code 1 if the download step is slower than
``aws s3 cp --recursive`` or a file is lost.
"""

import argparse
import json
import multiprocessing
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from multiprocessing.connection import Connection
from pathlib import Path

from classification.data.download.loopback import Loopback, no_fault, some_faults

ROOT = Path(__file__).resolve().parents[1]
PREFIX = "bucket/images/"
ENVIRONMENT = {
    "AWS_ACCESS_KEY_ID": "benchmark",
    "AWS_SECRET_ACCESS_KEY": "benchmark",
    "AWS_DEFAULT_REGION": "us-west-2",
    "AWS_EC2_METADATA_DISABLED": "true",
    "NO_PROXY": "127.0.0.1",
}


def objects(number: int, size: int) -> dict[str, bytes]:
    """Files that pass for JPEG images, no two alike."""
    rng = random.Random(0)
    noise = rng.randbytes(size).replace(b"\xff", b"\0")
    start, end = b"\xff\xd8\xff\xda\x00\x08", b"\xff\xd9"
    return {
        f"{PREFIX}cam{n % 50:02d}/IMG_{n:05d}.jpg": start + b"%08d" % n + noise + end
        for n in range(number)
    }


def serve(number: int, size: int, share: float, pipe: Connection) -> None:
    fault = some_faults(share) if share else no_fault
    with Loopback(objects(number, size), fault=fault) as server:
        pipe.send(server.url)
        pipe.recv()
        pipe.send(server.gets.total())


def download_step(url: str, folder: Path, files: list[str]) -> None:
    dataset = folder.with_suffix(".json")
    images = [{"id": name, "file_name": name} for name in files]
    dataset.write_text(json.dumps({"images": images, "annotations": [], "categories": []}))
    command = [sys.executable, str(ROOT / "utils" / "download_images.py")]
    command += ["--cct-json", str(dataset), "--output-dir", str(folder)]
    command += ["--source", "s3://bucket/images", "--max-failures", "0"]
    run(command, url)


def aws_cli(url: str, folder: Path, files: list[str]) -> None:
    del files
    aws = shutil.which("aws")
    if aws is None:
        raise SystemExit("the AWS command line is not installed: nothing to compare with")
    run([aws, "s3", "cp", "--recursive", "--quiet", "s3://bucket/images", str(folder)], url)


def run(command: list[str], url: str) -> None:
    environment = os.environ | ENVIRONMENT | {"AWS_ENDPOINT_URL": url}
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(f"{command[0]} failed:\n{done.stdout[-2000:]}\n{done.stderr[-2000:]}")


def measured(
    client: Callable[[str, Path, list[str]], None], number: int, size: int, share: float = 0.0
) -> tuple[float, int, int]:
    """Seconds, files that are not as published, and requests, of one client on a fresh server."""
    files = objects(number, size)
    ours, theirs = multiprocessing.Pipe()
    process = multiprocessing.Process(target=serve, args=(number, size, share, theirs), daemon=True)
    process.start()
    url = ours.recv()
    with tempfile.TemporaryDirectory() as folder:
        target = Path(folder) / "out"
        started = time.perf_counter()
        client(url, target, [name.removeprefix(PREFIX) for name in files])
        seconds = time.perf_counter() - started
        wrong = sum(
            not _same(target / name[len("bucket/images/") :], files[name]) for name in files
        )
    ours.send("stop")
    requests = ours.recv()
    process.join()
    return seconds, wrong, requests


def _same(path: Path, data: bytes) -> bool:
    return path.is_file() and path.read_bytes() == data


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--files", type=int, default=5000)
    parser.add_argument("--kilobytes", type=int, default=100)
    parser.add_argument("--rounds", type=int, default=2)
    args = parser.parse_args()
    size = args.kilobytes * 1000
    best: dict[str, float] = {}
    lost = 0
    clients = {"download_images.py": download_step, "aws s3 cp --recursive": aws_cli}
    for turn in range(args.rounds):
        order = list(clients) if turn % 2 == 0 else list(clients)[::-1]
        for name in order:
            seconds, wrong, _ = measured(clients[name], args.files, size)
            best[name] = min(seconds, best.get(name, seconds))
            lost += wrong
            rate = args.files / seconds
            print(f"{name:24} {seconds:6.1f} s {rate:6.0f} files/s, {wrong} wrong", flush=True)
    seconds, wrong, requests = measured(download_step, args.files, size, share=0.05)
    print(
        f"with 5 % faulty requests {seconds:6.1f} s, {requests - args.files} tries repeated, "
        f"{wrong} files missing or wrong"
    )
    ratio = best["aws s3 cp --recursive"] / best["download_images.py"]
    print(
        f"best of {args.rounds}: {ratio:.2f} x the throughput of the AWS command line (want >= 1)"
    )
    sys.exit(0 if ratio >= 1 and not wrong and not lost else 1)


if __name__ == "__main__":
    main()
