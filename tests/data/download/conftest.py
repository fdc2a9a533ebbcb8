import io
import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from classification.data.download.fetch import Patience
from classification.data.download.loopback import Fault, Loopback, no_fault
from classification.data.download.options import DownloadOptions


def jpeg(number: int = 0, side: int = 48) -> bytes:
    """A small photograph, each number another one."""
    pixels = np.random.default_rng(number).integers(0, 255, (side, side, 3), dtype=np.uint8)
    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, "JPEG", quality=90)
    return stream.getvalue()


@pytest.fixture
def photo() -> Callable[..., bytes]:
    return jpeg


@pytest.fixture(autouse=True)
def no_account(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No credentials, profiles or proxies of the machine reach a test; waits are short."""
    for name in ("AWS_PROFILE", "AWS_ENDPOINT_URL", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "aws_config"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "aws_credentials"))
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setattr(Patience, "wait", lambda self, repeat: 0.01 * repeat)


@pytest.fixture
def serve() -> Iterator[Callable[..., Loopback]]:
    """Start servers that stop with the test."""
    with ExitStack() as stack:

        def start(files: dict[str, bytes], fault: Fault = no_fault) -> Loopback:
            return stack.enter_context(Loopback(files, fault=fault))

        yield start


@pytest.fixture
def write_dataset(tmp_path: Path) -> Callable[..., Path]:
    """Write a COCO Camera Traps JSON of these image records (or file names)."""

    def write(images: list[dict[str, object]] | list[str]) -> Path:
        records = [
            {"id": str(n), "file_name": image} if isinstance(image, str) else image
            for n, image in enumerate(images)
        ]
        path = tmp_path / "dataset.json"
        path.write_text(json.dumps({"images": records, "annotations": [], "categories": []}))
        return path

    return write


@pytest.fixture
def options(tmp_path: Path, write_dataset) -> Callable[..., DownloadOptions]:
    """Options for a dataset of `images` that go to ``tmp_path/out``."""

    def make(images: list[str], *sources: str, **more: object) -> DownloadOptions:
        values = {
            "cct_json": write_dataset(images),
            "output_dir": tmp_path / "out",
            "source": list(sources),
            "max_threads": 8,
            "timeout": 3.0,
        }
        return DownloadOptions(**(values | more))

    return make
