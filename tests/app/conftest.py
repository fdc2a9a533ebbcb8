"""A small dataset with pictures, and an app over it."""

import os
import shutil

import numpy as np
import pytest
from PIL import Image

from classification.app.items import Items
from classification.app.page import App
from classification.app.pictures import Pictures
from classification.app.server import AppServer, run_in_background
from classification.app.state import AppState

CLASSES = ("deer", "fox", "<b>owl</b>")
FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


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


@pytest.fixture(scope="session")
def browser():
    """Chromium without a window; skipped with the reason where there is none, but not in CI."""
    program = shutil.which("chromium") or shutil.which("chromium-browser")
    try:
        from playwright.sync_api import sync_playwright
    except ModuleNotFoundError:
        program, sync_playwright = None, None
    if program is None or sync_playwright is None:
        reason = "no browser: needs playwright and chromium (Debian: apt-get install chromium)"
        if os.environ.get("CI"):
            pytest.fail(reason)
        pytest.skip(reason)
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=program, args=FLAGS)
        yield chromium
        chromium.close()


@pytest.fixture
def serve():
    """Start the app over a state; its address. All are stopped at the end."""
    servers = []

    def start(state, **options):
        app = App(state=state, pictures=Pictures(state.items))
        options = {"address": "127.0.0.1", "port": 0} | options
        servers.append(run_in_background(lambda: AppServer(app, **options)))
        return servers[-1].url

    yield start
    for server in servers:
        server.stop()


@pytest.fixture
def open_page(browser):
    """Open an address in a window of its own (own cookies and storage) and wait for an image."""
    contexts = []

    def start(url, *, wait="ready", **options):
        contexts.append(browser.new_context(viewport={"width": 1280, "height": 800}, **options))
        page = contexts[-1].new_page()
        page.goto(url)
        if wait:
            page.wait_for_selector(f".pane[data-state={wait}]")
        return page

    yield start
    for context in contexts:
        context.close()
