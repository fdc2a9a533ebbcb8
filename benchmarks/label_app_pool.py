"""A pool of images and the labelling app over it, in a process of its own: for label_app.py."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from multiprocessing import get_context
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from classification.app.items import Items
from classification.app.state import AppState

DIM, CLASSES, FILES = 512, 20, 200


@contextmanager
def running(folder: Path, port: int = 0) -> Iterator[tuple[Any, int]]:
    """A server over the pool in a process of its own, forked from one that has imported all."""
    context = get_context("forkserver")
    context.set_forkserver_preload(["classification.app.page", "classification.app.server"])
    ours, theirs = context.Pipe()
    process = context.Process(target=serve, args=(folder, port, theirs), daemon=True)
    process.start()
    try:
        yield process, ours.recv()
    finally:
        with suppress(ProcessLookupError):
            process.kill()
        process.join()


def serve(folder: Path, port: int, ready: Connection) -> None:
    """Runs in the process of the server."""
    from classification.app.page import App
    from classification.app.pictures import Pictures
    from classification.app.server import AppServer

    arrays = np.load(folder / "pool.npz")
    n = len(arrays["probs"])
    items = Items(
        names=tuple(f"{i:06d}.jpg" for i in range(n)),
        folder=folder / "crops",
        split=np.array(["train"] * n),
        bursts=np.arange(n) // 3,
        locations=np.arange(n) // 300,
    )
    state = AppState(
        items=items,
        classes=[f"species {i}" for i in range(CLASSES)],
        store=store_of(folder),
        known=arrays["known"],
        embeddings=np.load(folder / "embeddings.npy", mmap_mode="r"),
        probs=arrays["probs"],
        annotator="ann",
    )
    server = AppServer(App(state=state, pictures=Pictures(items)), address="127.0.0.1", port=port)
    ready.send(server.port)
    server.run()


def store_of(folder: Path) -> Path:
    return folder / "labels.db"


def make_pool(folder: Path, n: int) -> None:
    """Embeddings around a centre per class, and a file per item; every `FILES`-th is the same."""
    rng = np.random.default_rng(0)
    centres = 2 * rng.normal(size=(CLASSES, DIM)).astype(np.float32)
    embeddings = np.lib.format.open_memmap(
        folder / "embeddings.npy", mode="w+", dtype=np.float16, shape=(n, DIM)
    )
    classes = rng.integers(0, CLASSES, n)
    for start in range(0, n, 10_000):
        block = embeddings[start : start + 10_000]
        noise = rng.standard_normal((len(block), DIM), dtype=np.float32)
        block[:] = centres[classes[start : start + 10_000]] + noise
    embeddings.flush()
    probs = rng.dirichlet(np.full(CLASSES, 0.3), n).astype(np.float32)
    known = np.full((n, CLASSES), -1, dtype=np.int8)
    labelled = rng.permutation(n)[: n // 50]
    known[labelled] = 0
    known[labelled, classes[labelled]] = 1
    np.savez(folder / "pool.npz", probs=probs, known=known)
    (folder / "crops").mkdir()
    for i in range(n):
        path = folder / "crops" / f"{i:06d}.jpg"
        if i < FILES:
            small = Image.fromarray(rng.integers(0, 255, (48, 48, 3), dtype=np.uint8))
            small.resize((512, 512), Image.Resampling.BICUBIC).save(path, quality=90)
        else:
            path.hardlink_to(folder / "crops" / f"{i % FILES:06d}.jpg")
