"""Sending very many objects, with the index of what has arrived."""

import gzip
import json
from collections import Counter

import pytest

from classification.launch import UnreachableError, upload
from classification.launch.channels import Channel, Upload
from classification.launch.upload import Sender

INDEX = "data/x/crops.index.json.gz"


class Bucket:
    """Stands for `Aws`: keeps what is put, and is gone after so many objects."""

    def __init__(self, last=10**9):
        self.objects, self.puts, self.last = {}, Counter(), last

    def call(self, service, operation, *, Key, Body=b"", **values):  # noqa: N803  as AWS has them
        if operation == "get_object":
            return {"Body": self}
        self.puts["index" if Key == INDEX else "crop"] += 1
        if Key != INDEX and self.puts["crop"] > self.last:
            raise UnreachableError("gone")
        self.objects[Key] = Body
        return {}

    def pages(self, service, operation, key, *, Prefix, **values):  # noqa: N803
        return [{"Key": name} for name in self.objects if name.startswith(Prefix)]

    def read(self):
        return self.objects[INDEX]

    def index(self):
        return json.loads(gzip.decompress(self.objects[INDEX]))


def channel(n, *, change=()):
    uploads = [
        Upload(f"data/x/crops/{i}.jpg", 1, f"{i}{'*' if i in change else ''}", b"x")
        for i in range(n)
    ]
    return Channel(name="crops", prefix="data/x/crops", uploads=uploads, index=INDEX)


@pytest.fixture(autouse=True)
def small(monkeypatch):
    monkeypatch.setattr(upload, "_INDEX_EVERY", 10)


def test_the_index_is_written_now_and_then_and_less_often_the_larger_it_is():
    bucket = Bucket()
    assert Sender(bucket, "b").send(channel(2000)) == 2000
    assert 10 < bucket.puts["index"] < 60  # every tenth would be 200
    assert len(bucket.index()) == 2000


def test_crops_that_changed_are_sent_again_and_their_index_is_written_as_often():
    bucket = Bucket()
    Sender(bucket, "b").send(channel(100))
    bucket.puts.clear()
    assert Sender(bucket, "b").send(channel(100, change=range(0, 100, 2))) == 50
    assert bucket.puts["crop"] == 50
    assert 5 <= bucket.puts["index"] <= 7
    assert bucket.index()["98.jpg"] == "98*"


def test_an_upload_that_ends_midway_goes_on_there():
    bucket = Bucket(last=300)
    with pytest.raises(UnreachableError):
        Sender(bucket, "b").send(channel(1000))
    assert len(bucket.index()) >= 300 - 16  # threads
    bucket.last = 10**9
    assert Sender(bucket, "b").send(channel(1000)) <= 700 + 16
    assert len(bucket.index()) == 1000
