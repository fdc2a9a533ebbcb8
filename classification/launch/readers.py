"""Reading objects of a bucket, the fast way: many threads, little processor time for each.

Of a crop of 15 kB, boto3's ``download_file`` takes 5.4 ms of processor time, which threads cannot
hide behind the interpreter lock. Through links signed here it is 1.3 ms; with the package obstore
(extra ``fast``), which reads in native threads, 0.8 ms. benchmarks/s3_sync.py measures it.
"""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from importlib.util import find_spec
from typing import Any, Protocol

from classification.data.download.s3 import S3Links
from classification.data.download.web import TransferError, Web
from classification.launch.aws import Aws

_TIMEOUT = 60.0  # seconds without a byte
_BLOCK = 8 << 20


class Reader(Protocol):
    """Reads objects of one bucket; safe to share between threads."""

    def blocks(self, key: str) -> AbstractContextManager[Iterator[bytes]]:
        """The content of an object, in pieces.

        Raises:
            TransferError: here or while reading; says whether to try again.
        """
        ...


def make_reader(aws: Aws, bucket: str, *, threads: int) -> Reader:
    """The fastest reader that is installed."""
    if find_spec("obstore") is not None:
        return NativeReader(aws, bucket)
    return SignedReader(aws, bucket, threads=threads)


class SignedReader:
    """Through signed links and one connection pool."""

    def __init__(self, aws: Aws, bucket: str, *, threads: int) -> None:
        self._bucket = bucket
        links = S3Links(profile=aws.profile)
        self._web = Web(threads=threads, timeout=_TIMEOUT, s3=links)

    @contextmanager
    def blocks(self, key: str) -> Iterator[Iterator[bytes]]:
        """The content of an object, in pieces."""
        with self._web.open(f"s3://{self._bucket}/{key}") as body:
            yield body.blocks


class NativeReader:
    """Through obstore."""

    def __init__(self, aws: Aws, bucket: str) -> None:
        import boto3
        from obstore.auth.boto3 import Boto3CredentialProvider
        from obstore.store import S3Store

        meta = aws.client("s3").meta
        session = boto3.Session(profile_name=aws.profile or None, region_name=aws.region or None)
        own = "amazonaws.com" not in meta.endpoint_url  # a stand-in, or S3 by somebody else
        where: Any = {"region": meta.region_name}
        where |= {"endpoint": meta.endpoint_url} if own else {}
        self._store: Any = S3Store(
            bucket,
            config=where,
            credential_provider=Boto3CredentialProvider(session),
            client_options={"allow_http": own, "timeout": f"{_TIMEOUT:.0f}s"},
        )

    @contextmanager
    def blocks(self, key: str) -> Iterator[Iterator[bytes]]:
        """The content of an object, in pieces."""
        with _named_faults():
            answer = self._store.get(key)
            whole = answer.bytes() if answer.meta["size"] <= _BLOCK else None
        yield self._stream(answer) if whole is None else iter((memoryview(whole),))  # type: ignore[misc]  # any buffer will do

    @staticmethod
    def _stream(answer: Any) -> Iterator[bytes]:
        with _named_faults():
            for block in answer.stream(min_chunk_size=_BLOCK):
                yield bytes(block)


@contextmanager
def _named_faults() -> Iterator[None]:
    """Turn obstore's exceptions, some of which are Python's own, into `TransferError`."""
    from obstore import exceptions

    try:
        yield
    except FileNotFoundError as error:
        raise TransferError("not_found", _short(error)) from None
    except (PermissionError, exceptions.PermissionDeniedError) as error:
        raise TransferError("denied", _short(error)) from None
    except exceptions.UnauthenticatedError as error:
        raise TransferError("denied", _short(error)) from None
    except exceptions.BaseError as error:
        raise TransferError("connection", _short(error), retry=True) from None


def _short(error: Exception) -> str:
    return str(error).partition("\n")[0][:200]
