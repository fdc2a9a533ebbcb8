"""Sending channels to S3: what is there is not sent again, and a broken upload is gone on with."""

import gzip
import json
import threading
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path
from typing import Any

from classification.data.parallel import in_chunks
from classification.errors import FieldmarkError
from classification.launch.aws import Aws
from classification.launch.channels import Channel, Upload

_THREADS = 16
_CHUNK = 10_000  # uploads that are handed to the threads at once: a million would take 1 GB
_LARGE = 64 << 20  # bytes from which a file goes in parts
# Uploads between two writes of the index: an upload that is killed goes on there. Or a tenth of the
# index: for a million crops it has 46 MB and takes 5 s, in which nothing else is sent.
_INDEX_EVERY = 2000


class Sender:
    """Sends to one bucket."""

    def __init__(self, aws: Aws, bucket: str, *, kms_key: str = "") -> None:
        self._aws, self._bucket = aws, bucket
        self._sealed: dict[str, str] = (
            {"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": kms_key} if kms_key else {}
        )

    def send(self, channel: Channel) -> int:
        """Send what of a channel is not there; how many bytes that was.

        Raises:
            FieldmarkError, UnreachableError: S3 refuses; what arrived stays.
        """
        if channel.index:
            return self._send_indexed(channel)
        there = self._sizes(channel.prefix)
        missing = [u for u in channel.uploads if there.get(u.key) != u.size]
        self._put_all(missing)
        return sum(upload.size for upload in missing)

    def missing(self, channel: Channel) -> list[Upload]:
        """What an indexed channel lacks, by the index."""
        there = self._index(channel.index)
        return [u for u in channel.uploads if there.get(_inside(channel, u)) != u.sha256]

    def put(self, upload: Upload) -> None:
        """Send one object."""
        where = {"Bucket": self._bucket, "Key": upload.key, **self._sealed}
        if isinstance(upload.source, bytes):
            self._aws.call("s3", "put_object", Body=upload.source, **where)
        elif upload.size < _LARGE:
            self._aws.call("s3", "put_object", Body=upload.source.read_bytes(), **where)
        else:
            self._put_large(upload.source, upload.key)

    def _send_indexed(self, channel: Channel) -> int:
        index = self._index(channel.index)
        missing = self.missing(channel)
        lock, unwritten = threading.Lock(), 0

        def arrived(upload: Upload) -> None:
            nonlocal unwritten
            with lock:
                index[_inside(channel, upload)] = upload.sha256
                unwritten += 1
                if unwritten >= max(_INDEX_EVERY, len(index) // 10):
                    self._put_index(channel.index, index)
                    unwritten = 0

        try:
            self._put_all(missing, arrived)
        finally:
            if missing:
                self._put_index(channel.index, index)
        return sum(upload.size for upload in missing)

    def _put_all(
        self, uploads: Iterable[Upload], arrived: Callable[[Upload], None] | None = None
    ) -> None:
        def send(upload: Upload) -> None:
            self.put(upload)
            if arrived:
                arrived(upload)

        pool = ThreadPoolExecutor(_THREADS)
        try:
            for chunk in in_chunks(uploads, _CHUNK):
                for done in as_completed([pool.submit(send, upload) for upload in chunk]):
                    done.result()
        finally:
            pool.shutdown(cancel_futures=True)

    def _put_large(self, path: Path, key: str) -> None:
        from boto3.exceptions import S3UploadFailedError

        try:
            self._aws.client("s3").upload_file(
                str(path), self._bucket, key, ExtraArgs=self._sealed or None
            )
        except S3UploadFailedError as error:
            raise FieldmarkError(f"{path} was not taken: {error}") from None

    def _sizes(self, prefix: str) -> dict[str, int]:
        found: Iterable[dict[str, Any]] = self._aws.pages(
            "s3", "list_objects_v2", "Contents", Bucket=self._bucket, Prefix=f"{prefix}/"
        )
        return {item["Key"]: item["Size"] for item in found}

    def _index(self, key: str) -> dict[str, str]:
        listed = self._aws.pages(
            "s3", "list_objects_v2", "Contents", Bucket=self._bucket, Prefix=key
        )
        if not any(item["Key"] == key for item in listed):
            return {}
        answer = self._aws.call("s3", "get_object", Bucket=self._bucket, Key=key)
        return json.loads(gzip.decompress(answer["Body"].read()))

    def _put_index(self, key: str, index: dict[str, str]) -> None:
        data = gzip.compress(json.dumps(index).encode(), mtime=0)
        self._aws.call("s3", "put_object", Bucket=self._bucket, Key=key, Body=data, **self._sealed)


def _inside(channel: Channel, upload: Upload) -> str:
    return upload.key.removeprefix(f"{channel.prefix}/")
