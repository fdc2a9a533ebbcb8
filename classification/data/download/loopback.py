"""A web and S3 server on the loopback, with faults, for tests, benchmarks and demos.

It answers GET and HEAD of ``/path``, range requests, and enough of S3 (path style: HeadBucket,
ListObjectsV2) for boto3 and the AWS command line. No real archive is ever needed.
"""

import hashlib
import socket
import struct
import threading
from collections import Counter
from collections.abc import Callable, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import cast
from urllib.parse import parse_qs, unquote, urlsplit
from xml.sax.saxutils import escape

FAULTS = ("throttle", "error", "reset", "cut", "short", "page")
"""Passing faults: 503 SlowDown; 500; a reset before the answer; a body that breaks off; a short
body that claims to be whole; an error page with status 200."""

Fault = Callable[[str, int], str]
"""(path, number of the try from 0) -> a fault's name, ``missing``, ``denied``, ``slow`` or ''."""

_PAGE = b"<html><body>Please log in</body></html>"
_SLOW = 0.3  # seconds before a slow answer


def no_fault(path: str, tries: int) -> str:
    """Every request is answered."""
    del path, tries
    return ""


def some_faults(share: float, kinds: tuple[str, ...] = FAULTS, *, seed: int = 0) -> Fault:
    """`share` of all requests fails, each with one of `kinds`; the same ones in every run."""

    def fault(path: str, tries: int) -> str:
        digest = hashlib.sha256(f"{seed} {path} {tries}".encode()).digest()
        draw = int.from_bytes(digest[:4], "big") / 2**32
        return kinds[digest[4] % len(kinds)] if draw < share else ""

    return fault


class Loopback:
    """The server, running from ``__enter__`` to ``__exit__``.

    `files` maps a path without leading slash (S3: ``bucket/key``) to content and may change while
    the server runs.
    """

    def __init__(self, files: Mapping[str, bytes], *, fault: Fault = no_fault, port: int = 0):
        self.files, self.fault = files, fault
        self.requests: Counter[str] = Counter()
        """Requests per path, of any method."""
        self.gets: Counter[str] = Counter()
        """GET requests per path; counts the tries that `fault` is asked about."""
        self.lock = threading.Lock()
        self._server = _Server(("127.0.0.1", port), _Handler)
        self._server.loopback = self
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,))

    @property
    def url(self) -> str:
        """Address of the server, without a slash at the end."""
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def __enter__(self) -> "Loopback":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 256
    loopback: Loopback

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that hangs up is no news."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1  # one packet for headers and body

    def do_GET(self) -> None:
        self._answer(body=True)

    def do_HEAD(self) -> None:
        self._answer(body=False)

    def log_message(self, format: str, *args: object) -> None:
        """Quiet."""

    def _answer(self, *, body: bool) -> None:
        parts, world = urlsplit(self.path), cast(_Server, self.server).loopback
        path = unquote(parts.path).lstrip("/")
        with world.lock:
            tries = world.gets[path]
            world.requests[path] += 1
            if body:
                world.gets[path] += 1
        query = parse_qs(parts.query, keep_blank_values=True)
        if "list-type" in query:
            return self._send(200, _listing(path.strip("/"), query, world.files), body=body)
        kind = world.fault(path, tries) if body else ""
        data = world.files.get(path)
        if kind and kind != "slow" and (data is not None or kind in ("missing", "denied")):
            return self._fail(kind, data or b"")
        if kind == "slow":
            threading.Event().wait(_SLOW)
        if data is not None:
            return self._send_file(data, body=body)
        if body or not any(name.startswith(f"{path.strip('/')}/") for name in world.files):
            return self._refuse(404, "NoSuchKey", body=body)
        return self._send(200, b"", body=body)  # HeadBucket

    def _fail(self, kind: str, data: bytes) -> None:
        if kind == "throttle":
            self._refuse(503, "SlowDown")
        elif kind == "error":
            self._refuse(500, "InternalError")
        elif kind == "missing":
            self._refuse(404, "NoSuchKey")
        elif kind == "denied":
            self._refuse(403, "AccessDenied")
        elif kind == "reset":
            linger = struct.pack("ii", 1, 0)
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
            self.connection.close()
            self.close_connection = True
        elif kind == "cut":
            self._send(200, data[: len(data) // 2], length=len(data))
            self.close_connection = True
        elif kind == "short":
            self._send(200, data[: len(data) // 2])
        else:
            self._send(200, _PAGE)

    def _send_file(self, data: bytes, *, body: bool) -> None:
        status, headers = 200, {"ETag": f'"{hashlib.md5(data).hexdigest()}"'}
        asked = self.headers.get("Range", "")
        if asked.startswith("bytes="):
            first, _, last = asked.removeprefix("bytes=").partition("-")
            start, end = int(first or 0), min(int(last or len(data) - 1), len(data) - 1)
            headers["Content-Range"] = f"bytes {start}-{end}/{len(data)}"
            status, data = 206, data[start : end + 1]
        headers["Last-Modified"] = "Mon, 01 Jan 2024 00:00:00 GMT"
        self._send(status, data, body=body, headers=headers)

    def _refuse(self, status: int, code: str, *, body: bool = True) -> None:
        text = f"<Error><Code>{code}</Code><Message>{code}</Message></Error>".encode()
        self._send(status, text, body=body)

    def _send(
        self,
        status: int,
        data: bytes,
        *,
        body: bool = True,
        length: int | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        self.send_response(status)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.send_header("x-amz-bucket-region", "us-west-2")
        self.send_header("Content-Length", str(len(data) if length is None else length))
        self.end_headers()
        if body:
            self.wfile.write(data)
        self.wfile.flush()


def _listing(bucket: str, query: Mapping[str, list[str]], files: Mapping[str, bytes]) -> bytes:
    """ListObjectsV2, 1,000 keys at a time."""
    prefix = query.get("prefix", [""])[0]
    start = query.get("continuation-token", query.get("start-after", [""]))[0]
    keys = sorted(
        key
        for name in files
        if name.startswith(f"{bucket}/")
        and (key := name[len(bucket) + 1 :]).startswith(prefix)
        and key > start
    )
    page = keys[:1000]
    more = f"<NextContinuationToken>{escape(page[-1])}</NextContinuationToken>" * (len(keys) > 1000)
    contents = "".join(
        f"<Contents><Key>{escape(key)}</Key><LastModified>2024-01-01T00:00:00.000Z</LastModified>"
        f"<ETag>&quot;0&quot;</ETag><Size>{len(files[f'{bucket}/{key}'])}</Size></Contents>"
        for key in page
    )
    truncated = "true" if more else "false"
    return (
        f"<ListBucketResult><Name>{bucket}</Name><IsTruncated>{truncated}</IsTruncated>"
        f"<KeyCount>{len(page)}</KeyCount>{more}{contents}</ListBucketResult>"
    ).encode()
