"""Bringing crops from S3 here, against boto3's download_file with the same threads.

    python benchmarks/s3_sync.py [--files 5000] [--kilobytes 15] [--threads 16] [--rounds 3]

`classification.launch.fetch` with both of its readers, and boto3, read the same objects from the
same servers on the loopback, in turn; the order alternates, and every file is compared with what
was published. The servers run in processes of their own and are a limit, too: a client that only
reads bytes from sockets, in a process of its own as well, says how much they give at most. Where
client and server share the cores, processor time of the client is the steadier figure: it is what
one core of a machine with a fast line can do. Exit code 1 if the reader without further packages
is below 2.5 times boto3's throughput, or obstore's, where it is installed, below 4.
"""

import argparse
import multiprocessing
import os
import random
import resource
import socket
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from importlib.util import find_spec
from multiprocessing.connection import Connection
from pathlib import Path
from urllib.parse import urlsplit

ENVIRONMENT = {
    "AWS_ACCESS_KEY_ID": "benchmark",
    "AWS_SECRET_ACCESS_KEY": "benchmark",
    "AWS_EC2_METADATA_DISABLED": "true",
    "NO_PROXY": "127.0.0.1",
}
REGION, URI = "us-west-2", "s3://bucket/data/crops"
WANTED = {"signed links": 2.5, "obstore": 4.0}
_DATE = b"Mon, 01 Jan 2024 00:00:00 GMT"


def objects(number: int, size: int) -> dict[str, bytes]:
    noise = random.Random(0).randbytes(size)
    return {f"cam{n % 50:02d}/IMG_{n:05d}.jpg": b"%08d" % n + noise for n in range(number)}


def serve(number: int, size: int, pipe: Connection) -> None:
    """Answer HEAD and GET of objects: as little work per request as Python can do."""
    files = {f"/bucket/data/crops/{k}".encode(): v for k, v in objects(number, size).items()}
    listening = socket.create_server(("127.0.0.1", 0), backlog=256)
    pipe.send(f"http://127.0.0.1:{listening.getsockname()[1]}")
    while True:
        connection, _ = listening.accept()
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        threading.Thread(target=answer, args=(connection, files), daemon=True).start()


def answer(connection: socket.socket, files: dict[bytes, bytes]) -> None:
    waiting = b""
    while True:
        while b"\r\n\r\n" not in waiting:
            block = connection.recv(65536)
            if not block:
                return connection.close()
            waiting += block
        head, _, waiting = waiting.partition(b"\r\n\r\n")
        method, target, _ = head.split(b" ", 2)
        data = files.get(target.partition(b"?")[0], b"")
        lines = b'HTTP/1.1 200 OK\r\nContent-Length: %d\r\nLast-Modified: %s\r\nETag: "0"\r\n'
        reply = lines % (len(data), _DATE) + b"x-amz-bucket-region: us-west-2\r\n\r\n"
        connection.sendall(reply + (data if method == b"GET" else b""))


def fetched(url: str, folder: Path, names: list[str], sizes: int, threads: int) -> None:
    del url
    from classification.launch.aws import Aws
    from classification.launch.fetch import Stored, fetch

    wanted = [Stored(name, sizes, 0.0) for name in names]
    fetch(Aws(region=REGION), URI, folder, wanted, threads=threads)


def signed_links(url: str, folder: Path, names: list[str], size: int, threads: int) -> None:
    from classification.launch import readers

    readers.find_spec = lambda name, package=None: None  # as if obstore were not installed
    fetched(url, folder, names, size, threads)


def download_file(url: str, folder: Path, names: list[str], size: int, threads: int) -> None:
    del size
    import boto3
    from botocore.config import Config

    config = Config(max_pool_connections=threads)
    client = boto3.client("s3", region_name=REGION, endpoint_url=url, config=config)
    for parent in {(folder / name).parent for name in names}:
        parent.mkdir(parents=True, exist_ok=True)

    def one(name: str) -> None:
        client.download_file("bucket", f"data/crops/{name}", str(folder / name))

    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(one, names))


def sockets_only(url: str, folder: Path, names: list[str], size: int, threads: int) -> None:
    """The limit: requests that are bytes already, answers that are thrown away."""
    del folder
    address = urlsplit(url)

    def read(mine: list[str]) -> None:
        with socket.create_connection((address.hostname or "", address.port or 0)) as line:
            for name in mine:
                line.sendall(b"GET /bucket/data/crops/%s HTTP/1.1\r\n\r\n" % name.encode())
                received, end = b"", -1
                while end < 0 or len(received) < end + size:
                    received += line.recv(1 << 20)
                    end = received.find(b"\r\n\r\n") + 4 if end < 4 else end
                    end = end if end >= 4 else -1

    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(read, [names[i::threads] for i in range(threads)]))


CLIENTS: dict[str, Callable[[str, Path, list[str], int, int], None]] = {
    "boto3 download_file": download_file,
    "signed links": signed_links,
    **({"obstore": fetched} if find_spec("obstore") else {}),
    "sockets only (limit)": sockets_only,
}


def play(
    name: str, url: str, folder: Path, number: int, size: int, threads: int, pipe: Connection
) -> None:
    """One client in a process of its own, imports and first connection not counted."""
    os.environ |= {**ENVIRONMENT, "AWS_ENDPOINT_URL": url}
    names = list(objects(number, 0))
    CLIENTS[name](url, folder / "warm", names[: 2 * threads], size, threads)
    before, started = resource.getrusage(resource.RUSAGE_SELF), time.perf_counter()
    CLIENTS[name](url, folder / "out", names, size, threads)
    seconds = time.perf_counter() - started
    after = resource.getrusage(resource.RUSAGE_SELF)
    spent = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    pipe.send((seconds, spent))


def measured(name: str, url: str, options: argparse.Namespace) -> tuple[float, float]:
    """Seconds on the clock and of processor time, of one client."""
    size = options.kilobytes * 1000
    ours, theirs = multiprocessing.Pipe()
    with tempfile.TemporaryDirectory() as folder:
        words = (name, url, Path(folder), options.files, size + 8, options.threads, theirs)
        process = multiprocessing.get_context("spawn").Process(target=play, args=words)
        process.start()
        theirs.close()
        try:
            seconds, spent = ours.recv()
        except EOFError:
            raise SystemExit(f"{name} failed") from None
        process.join()
        if "limit" not in name:
            out = Path(folder) / "out"
            expected = objects(options.files, size)
            wrong = sum((out / key).read_bytes() != data for key, data in expected.items())
            if wrong:
                raise SystemExit(f"{name}: {wrong} files are not as published")
    return seconds, spent


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--files", type=int, default=5000)
    parser.add_argument("--kilobytes", type=int, default=15)
    parser.add_argument("--threads", type=int, default=16)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    ours, theirs = multiprocessing.Pipe()
    words = (options.files, options.kilobytes * 1000, theirs)
    server = multiprocessing.Process(target=serve, args=words, daemon=True)
    server.start()
    url = ours.recv()
    found: dict[str, list[tuple[float, float]]] = {name: [] for name in CLIENTS}
    for turn in range(options.rounds):
        for name in list(CLIENTS)[:: 1 if turn % 2 == 0 else -1]:
            found[name].append(measured(name, url, options))
    server.terminate()
    server.join()
    base = {i: statistics.median(m[i] for m in found["boto3 download_file"]) for i in (0, 1)}
    slow = []
    what = f"{options.files} files of {options.kilobytes} kB, {options.threads} threads"
    print(f"{what}, median of {options.rounds}")
    print(f"{'':24}  files/s  times  client CPU ms/file  times")
    for name, rows in found.items():
        wall, cpu = (statistics.median(row[i] for row in rows) for i in (0, 1))
        print(
            f"{name:24} {options.files / wall:8.0f} {base[0] / wall:6.2f} "
            f"{1000 * cpu / options.files:20.2f} {base[1] / cpu:6.2f}"
        )
        if base[0] / wall < WANTED.get(name, 0):
            slow.append(f"{name}: {base[0] / wall:.2f} times, want {WANTED[name]}")
    print(
        "\n".join(slow) or "as fast as wanted: " + ", ".join(f"{k} {v}" for k, v in WANTED.items())
    )
    sys.exit(1 if slow else 0)


if __name__ == "__main__":
    main()
