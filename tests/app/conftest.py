"""A small dataset with pictures, and an app over it."""

import numpy as np
import pytest
from PIL import Image

from classification.app.items import Items
from classification.app.state import AppState

CLASSES = ("deer", "fox", "<b>owl</b>")


@pytest.fixture
def make_items(tmp_path):
    """Items with pictures of one colour each, cut from frames, four to a burst."""

    def make(n=12, *, split="train"):
        rng = np.random.default_rng(0)
        for folder in ("crops", "frames"):
            (tmp_path / folder).mkdir(exist_ok=True)
        names = tuple(f"item {i:03d} <i>.jpg" for i in range(n))
        for i, name in enumerate(names):
            colour = tuple(rng.integers(40, 216, 3).tolist())
            Image.new("RGB", (64, 48), colour).save(tmp_path / "crops" / name)
            Image.new("RGB", (160, 120), colour).save(tmp_path / "frames" / f"frame{i}.png")
        return Items(
            names=names,
            folder=tmp_path / "crops",
            split=np.array([split] * n),
            bursts=np.arange(n) // 4,
            locations=np.arange(n) // 8,
            frames=[f"frame{i}.png" for i in range(n)],
            frames_folder=tmp_path / "frames",
            boxes=np.tile(np.float32([0.1, 0.2, 0.3, 0.4]), (n, 1)),
        )

    return make


@pytest.fixture
def make_state(tmp_path, make_items):
    """An app over `make_items`, with embeddings and a model unless told otherwise."""

    def make(n=12, *, model=True, **changes):
        rng = np.random.default_rng(1)
        probs = rng.dirichlet(np.ones(len(CLASSES)), n).astype(np.float32)
        values = {
            "items": make_items(n),
            "classes": CLASSES,
            "store": tmp_path / "labels.db",
            "embeddings": rng.normal(size=(n, 8)).astype(np.float32) if model else None,
            "probs": probs if model else None,
            "annotator": "ann",
        }
        return AppState(**(values | changes))

    return make
