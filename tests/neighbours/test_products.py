import sys

import numpy as np
import pytest
import torch  # noqa: F401  the choice is between libraries that are loaded

from classification.neighbours import knn_graph, products

from .reference import blobs


@pytest.fixture(autouse=True)
def _forget_the_choice(monkeypatch):
    monkeypatch.setattr(products, "_chosen", {})


def offer(monkeypatch, multiply):
    monkeypatch.setattr(products, "by_onednn", multiply)
    monkeypatch.setattr(products, "_seconds", lambda f, *_: 1.0 if f is multiply else 2.0)


def test_neighbours_are_the_same_by_either_library(monkeypatch):
    x = blobs(900, 40)
    graphs = []
    for multiply in (products.by_numpy, products.by_onednn):
        monkeypatch.setattr(products, "choose", lambda _, multiply=multiply: multiply)
        try:
            graphs.append(knn_graph(x, 7, memory=100_000))
        except (AttributeError, RuntimeError):
            pytest.skip("this build of PyTorch has no oneDNN")
    assert np.array_equal(graphs[0].index, graphs[1].index)
    assert np.array_equal(graphs[0].distance, graphs[1].distance)


def test_the_faster_is_chosen_once(monkeypatch):
    tried = []

    def multiply(left, right, out):
        tried.append(len(left))
        return left @ right.T

    offer(monkeypatch, multiply)
    assert products.choose(5) is multiply
    assert products.choose(5) is multiply
    assert len(tried) == 1


def fail(left, right, out):
    raise RuntimeError("not in this build")


@pytest.mark.parametrize("multiply", [fail, lambda left, right, out: 1.01 * left @ right.T])
def test_a_library_that_fails_or_errs_is_left_alone(monkeypatch, multiply):
    offer(monkeypatch, multiply)
    assert products.choose(5) is products.by_numpy


def test_without_pytorch_numpy_serves(monkeypatch):
    monkeypatch.delitem(sys.modules, "torch")
    products.prepare(1e6)
    assert "torch" not in sys.modules
    assert products.choose(5) is products.by_numpy
