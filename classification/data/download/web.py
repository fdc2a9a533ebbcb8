"""Reading files over HTTP: one connection pool, every fault as a code that says whether to retry.

S3 objects are read the same way, through links signed here: that costs 0.2 ms of processor time
per object, where boto3's ``get_object`` takes about 3 ms and ``download_file`` 9 ms, which threads
cannot hide behind the interpreter lock.
"""

import re
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

import urllib3
from urllib3 import exceptions

from classification.data.download.s3 import S3Links

_BLOCK = 1 << 18
_SLOWEST = 1024  # bytes per second; a connection below this is as good as dead
_LONGEST_WAIT = 120.0  # seconds; a server that asks for more is asked again anyway
_RETRY_STATUS = {408, 425, 429, 500, 502, 503, 504}
_S3_CODE = re.compile(rb"<Code>(\w+)</Code>")
# Redirects are followed; every other repetition is decided by the caller, who may know a mirror.
_ONLY_REDIRECTS = urllib3.Retry(
    total=None, connect=0, read=0, status=0, other=0, redirect=5, respect_retry_after_header=False
)
# (urllib3's exception, reason, retry), the first that fits; a refused connection is a TimeoutError
_FAULTS = (
    (exceptions.NewConnectionError, "connection", True),
    (exceptions.TimeoutError, "timeout", True),
    (exceptions.SSLError, "tls", False),
    (exceptions.LocationValueError, "bad_address", False),
    (exceptions.ResponseError, "bad_address", False),  # redirects without end
    (exceptions.HTTPError, "connection", True),
)


class TransferError(Exception):
    """A try that failed.

    Args:
        reason: code, as in the ledger.
        detail: a line for the reader.
        retry: whether the same address may work later.
        wait: seconds the server asks to wait.
    """

    def __init__(self, reason: str, detail: str, *, retry: bool = False, wait: float = 0.0) -> None:
        super().__init__(f"{reason}: {detail}")
        self.reason, self.detail, self.retry, self.wait = reason, detail, retry, wait


@dataclass(frozen=True, kw_only=True)
class Body:
    """An answer that is being read."""

    size: int | None
    """Bytes that the server says will come; None where it does not."""
    etag: str
    blocks: Iterator[bytes]


class Web:
    """Reads ``https://``, ``http://`` and ``s3://`` addresses; safe to share between threads."""

    def __init__(self, *, threads: int, timeout: float, s3: S3Links | None = None) -> None:
        """`threads`: connections kept per server. `timeout`: seconds without a byte."""
        self._threads, self._timeout = threads, timeout
        self._s3 = s3 or S3Links()
        self._managers: dict[tuple[str, str], urllib3.PoolManager] = {}
        self._lock = threading.Lock()

    def __enter__(self) -> "Web":
        return self

    def __exit__(self, *_: object) -> None:
        for manager in self._managers.values():
            manager.clear()

    @contextmanager
    def open(self, address: str) -> Iterator[Body]:
        """The content of `address`, to be read inside the ``with``.

        Raises:
            TransferError: here or while reading, on any fault of the network or the server.
        """
        with _named_faults():
            response = self._request("GET", address)
            try:
                size = _length(response)
                etag = response.headers.get("ETag", "").removeprefix("W/").strip('"')
                yield Body(size=size, etag=etag, blocks=self._blocks(response, size))
            except BaseException:
                response.close()  # a half-read connection must not serve the next file
                raise
            response.release_conn()

    def size(self, address: str) -> int | None:
        """Bytes of the file at `address`, without reading it; None if the server does not say."""
        with _named_faults():
            response = self._request("HEAD", address)
            response.release_conn()
            return _length(response)

    def _request(self, method: str, address: str) -> urllib3.BaseHTTPResponse:
        url = self._s3.link(address, method) if address.startswith("s3://") else address
        response = self._manager(url).request(
            method,
            url,
            headers={"Accept-Encoding": "identity", "User-Agent": "fieldmark"},
            retries=_ONLY_REDIRECTS,
            preload_content=False,
        )
        if response.status == 200:
            return response
        text = response.read(4096)
        response.close()
        raise _refusal(response, text)

    def _manager(self, url: str) -> urllib3.PoolManager:
        parts = urlsplit(url)
        key = (parts.scheme, parts.hostname or "")
        with self._lock:
            if key not in self._managers:
                proxy = None if proxy_bypass(key[1]) else getproxies().get(parts.scheme)
                settings = {"maxsize": self._threads, "timeout": urllib3.Timeout(self._timeout)}
                self._managers[key] = (
                    urllib3.ProxyManager(proxy, **settings)
                    if proxy
                    else urllib3.PoolManager(**settings)
                )
            return self._managers[key]

    def _blocks(self, response: urllib3.BaseHTTPResponse, size: int | None) -> Iterator[bytes]:
        received, started = 0, time.monotonic()
        while block := response.read1(_BLOCK):
            received += len(block)
            yield block
            elapsed = time.monotonic() - started
            if elapsed > self._timeout and received < _SLOWEST * elapsed:
                rate = received / elapsed
                raise TransferError("stalled", f"{rate:.0f} bytes/s", retry=True)
        if size is not None and received != size:
            raise TransferError("incomplete", f"{received} of {size} bytes", retry=True)


def _length(response: urllib3.BaseHTTPResponse) -> int | None:
    text = response.headers.get("Content-Length", "")
    return int(text) if text.isdigit() else None


def _refusal(response: urllib3.BaseHTTPResponse, text: bytes) -> TransferError:
    status = response.status
    match = _S3_CODE.search(text)
    code = match.group(1).decode() if match else (response.reason or "")
    detail = f"HTTP {status} {code}".strip()
    if status in (404, 410):
        return TransferError("not_found", detail)
    if status in (401, 403):
        return TransferError("denied", detail)
    if status == 429 or code in ("SlowDown", "RequestLimitExceeded", "Throttling"):
        text_wait = response.headers.get("Retry-After", "")
        wait = min(float(text_wait), _LONGEST_WAIT) if text_wait.isdigit() else 0.0
        return TransferError("throttled", detail, retry=True, wait=wait)
    if status in _RETRY_STATUS or status >= 500:
        return TransferError("server_error", detail, retry=True)
    return TransferError("refused", detail)


@contextmanager
def _named_faults() -> Iterator[None]:
    """Turn the many exceptions of a connection into `TransferError`."""
    try:
        yield
    except exceptions.HTTPError as error:
        cause = error.reason if isinstance(error, exceptions.MaxRetryError) else error
        detail = f"{type(cause).__name__}: {cause}"[:300]
        reason, retry = next(
            (reason, retry) for kind, reason, retry in _FAULTS if isinstance(cause, kind)
        )
        if "IncompleteRead" in detail:
            reason = "incomplete"
        raise TransferError(reason, detail, retry=retry) from None
