"""Imports go one way: a room never imports what stands to its right."""

import ast
from pathlib import Path

import pytest

# Left to right; names of modules and packages directly inside `classification`.
LAYERS = [
    {"__init__", "errors"},
    {
        "config",
        "config_active_learning",
        "config_compare",
        "config_experiment",
        "config_labels",
        "config_learning",
        "config_query",
        "config_sagemaker",
        "paths",
        "files",
        "cli",
    },
    {"schemas", "settings", "provenance", "linear", "neighbours", "threads", "child_process"},
    {"data", "query"},
    {"labelling", "learning", "evaluation", "evaluate", "predictions", "recognition", "figures"},
    {"own_strategy"},
    {"selection", "report"},
    {
        "rounds",
        "round_labels",
        "engines",
        "environment",
        "tracking",
        "tracking_metrics",
        "tracking_store",
        "program",
        "onnx_export",
        "versions",
        "mlflow_server",
        "inference",
        "comparison",
    },
    {"summary", "publish"},
    {"app"},
    {"launch"},
    {
        "train",
        "predict",
        "label",
        "jobs",
        "registry",
        "active_learning",
        "compare",
        "experiment",
        "extract_results_plots",
    },
]
PACKAGE = Path(__file__).resolve().parents[1] / "classification"
FILES = sorted(PACKAGE.rglob("*.py"))
# Parsed before any test runs: the greenlets of browser tests upset the parser of CPython 3.11
# ("AST constructor recursion depth mismatch").
TREES = {path: ast.parse(path.read_text()) for path in FILES}
HEAVY = {"torch", "torchvision", "timm", "mlflow", "pandas", "pandera", "sklearn", "matplotlib"}


def imports(path, *, top_level=False):
    """Dotted names that a file imports, at its top or anywhere."""
    tree = TREES[path]
    nodes = tree.body if top_level else ast.walk(tree)
    for node in nodes:
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def room(path):
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


@pytest.mark.parametrize("path", FILES, ids=lambda p: p.relative_to(PACKAGE).as_posix())
def test_imports_go_to_the_left(path):
    layer = {name: i for i, names in enumerate(LAYERS) for name in names}
    assert room(path) in layer, f"{room(path)} has no layer: add it to LAYERS"
    for name in imports(path):
        parts = name.split(".")
        if parts[0] == "classification" and len(parts) > 1 and parts[1] in layer:
            assert layer[parts[1]] <= layer[room(path)], f"{path.name} imports {name}"


def test_data_never_imports_torch_and_query_neither_files_nor_torch():
    for path in FILES:
        names = set(imports(path))
        roots = {name.split(".")[0] for name in names}
        if room(path) in ("data", "query", "labelling", "evaluation"):
            assert not roots & {"torch", "torchvision", "timm", "mlflow"}, path
        if room(path) == "query":
            assert "classification.files" not in names, path
        if room(path) == "learning":
            assert "classification.labelling" not in names, path


@pytest.mark.parametrize("name", ["train", "predict", "cli", "config", "settings"])
def test_what_entry_points_import_first_is_light(name):
    roots = {n.split(".")[0] for n in imports(PACKAGE / f"{name}.py", top_level=True)}
    assert not roots & HEAVY


def test_files_and_functions_stay_short():
    for path in FILES:
        assert path.read_text().count("\n") <= 300, path
        for node in ast.walk(TREES[path]):
            if isinstance(node, ast.FunctionDef):
                assert node.end_lineno - node.lineno < 80, f"{path}: {node.name}"
