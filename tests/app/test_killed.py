"""The server killed in the middle of work: no decision is lost, none is there twice."""

import random
import socket
import subprocess
import sys
from collections import Counter

import pytest

from classification.labelling.store import LabelStore

SERVE = """
import sys
from pathlib import Path
from classification.app.gui import GUI
from classification.labelling.label_table import prep_label_dataframe

folder, store, port = Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3])
names = sorted(path.name for path in folder.iterdir())
table = prep_label_dataframe(names, ["deer", "fox"])
GUI(table, folder=folder, store=store, annotator="ann").serve(port=port)
"""


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


class Server:
    """The app in a process of its own, always on the same port."""

    def __init__(self, *arguments):
        self.command = [sys.executable, "-c", SERVE, *map(str, arguments)]
        self.start()

    def start(self):
        self.process = subprocess.Popen(self.command, stdout=subprocess.PIPE, text=True)
        assert "label at" in self.process.stdout.readline()

    def kill(self):
        self.process.kill()  # SIGKILL
        self.process.wait()
        self.process.stdout.close()


@pytest.fixture
def start_server():
    started = []

    def start(*arguments):
        started.append(Server(*arguments))
        return started[-1]

    yield start
    for server in started:
        server.kill()


def test_kill_9_at_random_moments(make_items, tmp_path, open_page, start_server):
    items, port = make_items(200), free_port()
    store, dice = tmp_path / "labels.db", random.Random(5)
    server = start_server(items.folder, store, port)
    page = open_page(f"http://127.0.0.1:{port}/", wait="")
    acknowledged = []
    page.expose_function("fieldmarkStored", lambda items: acknowledged.extend(items))
    page.add_init_script(
        "window.addEventListener('fieldmark-stored', e => fieldmarkStored(e.detail))"
    )
    page.reload()
    for _ in range(3):
        page.wait_for_selector(".pane[data-state=ready]", timeout=60_000)
        for _ in range(dice.randrange(3, 15)):
            page.keyboard.press(dice.choice("12"))
            page.wait_for_timeout(dice.uniform(0, 60))
        page.evaluate("window.old = true")
        server.kill()
        page.keyboard.press("1")  # reaches nobody
        server.start()
        page.wait_for_function("!window.old", timeout=60_000)  # the page has loaded itself anew
    page.wait_for_selector(".pane[data-state=ready]", timeout=60_000)
    page.wait_for_timeout(200)
    server.kill()
    labelled = Counter(int(d.item.split()[1][:3]) for d in LabelStore(store).history())
    assert set(acknowledged) <= set(labelled)
    assert len(labelled) - len(acknowledged) <= 3, "at most the one on its way at each kill"
    assert set(labelled.values()) == {1}
    assert len(acknowledged) > 5
