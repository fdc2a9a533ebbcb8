"""What ships works: entry points, configurations, the conda file, the README's commands."""

import re
import subprocess
import sys
import tomllib

import pytest
import yaml

from classification.query.names import STRATEGY_NAMES
from classification.settings import load_config
from tests.conftest import ROOT

SCRIPTS = sorted(
    [
        *ROOT.glob("utils/*.py"),
        *(
            ROOT / f"classification/{name}.py"
            for name in ("train", "predict", "jobs", "registry", "compare", "experiment")
        ),
    ]
)


def run(*arguments, cwd=ROOT, **options):
    return subprocess.run(
        [sys.executable, *map(str, arguments)],
        cwd=cwd, capture_output=True, text=True, timeout=600, **options,
    )  # fmt: skip


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda p: p.name)
def test_help_answers_and_needs_no_heavy_package(script):
    done = run("-X", "importtime", script, "--help")
    assert done.returncode == 0
    assert "usage:" in done.stdout
    loaded = set(re.findall(r"\|\s+(\w+)$", done.stderr, flags=re.M))
    assert not loaded & {"torch", "torchvision", "timm", "mlflow", "pandas", "pandera", "boto3"}


@pytest.mark.parametrize("form", [["classification/train.py"], ["-m", "classification.train"]])
def test_both_forms_of_an_entry_point_work_and_shadow_nothing(form, tmp_path):
    """Were classification/ on sys.path, `import data` would find ours."""
    (tmp_path / "config.yml").write_text("data: {dir: nowhere}\nbogus: 1\n")
    done = run(*form, "--config", tmp_path / "config.yml", "--query.size", "x")
    assert done.returncode == 1
    assert "bogus: unknown field" in done.stderr
    assert "query.size: Expected a <class 'int'>" in done.stderr
    assert "Traceback" not in done.stderr


def test_the_package_folder_is_not_on_the_path_of_a_script():
    code = (
        "import runpy, sys; sys.argv = ['classification/train.py', '--help']\n"
        "sys.path[0] = 'classification'\n"
        "try: runpy.run_path('classification/train.py', run_name='__main__')\n"
        "except SystemExit: pass\n"
        "assert not any(p.rstrip('/').endswith('classification') for p in sys.path), sys.path"
    )
    assert run("-c", code).returncode == 0


@pytest.mark.parametrize("path", sorted(ROOT.glob("runs/*/*/config.yml")), ids=str)
def test_every_shipped_configuration_is_valid(path):
    load_config(path, strategies=STRATEGY_NAMES)


def project():
    return tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]


def test_the_conda_file_agrees_with_pyproject():
    environment = yaml.safe_load((ROOT / "environment-classifier.yml").read_text())
    python = next(d for d in environment["dependencies"] if str(d).startswith("python>="))
    assert python.removeprefix("python") == project()["requires-python"]
    pip = next(d["pip"] for d in environment["dependencies"] if isinstance(d, dict))
    extras = re.fullmatch(r"-e \.\[(.*)\]", pip[0])
    assert set(extras[1].split(",")) == set(project()["optional-dependencies"])


def test_every_dependency_is_locked_with_a_hash_and_says_what_it_saves():
    lock = (ROOT / "requirements.lock").read_text()
    names = {
        re.match(r"[\w.-]+", line)[0].lower()
        for line in lock.splitlines()
        if re.match(r"[\w.-]+(\[.*\])?==", line)
    }
    text = (ROOT / "pyproject.toml").read_text()
    extras = project()["optional-dependencies"].values()
    wanted = [*project()["dependencies"], *(name for extra in extras for name in extra)]
    for requirement in wanted:
        assert re.match(r"[\w.-]+", requirement)[0].lower().replace("_", "-") in names
        assert re.search(rf'"{re.escape(requirement)}",\s+# \w', text), requirement
    assert lock.count("--hash=sha256:") > len(names)
    assert "://" not in lock  # no address of a package index


def test_the_licence_and_the_files_a_stranger_looks_for_are_there():
    for name in ("README.md", "LICENSE", "CONTRIBUTING.md", "CHANGELOG.md", ".env.example",
                 "data/README.md", ".ci/run", "Makefile", ".pre-commit-config.yaml"):  # fmt: skip
        assert (ROOT / name).is_file(), name


def test_every_command_of_the_readme_names_what_exists():
    text = (ROOT / "README.md").read_text() + (ROOT / "CONTRIBUTING.md").read_text()
    for script in set(re.findall(r"(?:utils|classification|benchmarks)/\w+\.py", text)):
        assert (ROOT / script).is_file(), script
    makefile = (ROOT / "Makefile").read_text()
    for target in set(re.findall(r"`make ([\w-]+)", text)) | {"demo", "test"}:
        assert re.search(rf"^{target}:", makefile, flags=re.M) or target.startswith("real-"), target
    for script, options in re.findall(
        r"python (utils/\w+\.py|classification/\w+\.py)([^`]*)", text
    ):
        command = re.match(r" ([a-z]+)\b", options) if "label.py" in script else None
        known = run(script, *([command[1]] if command else []), "--help").stdout
        for option in re.findall(r"--[a-z][\w.-]*", options.split("\n\n")[0]):
            name = option.replace("--no-", "--")
            assert name in known or option in known, f"{script} has no {option}"
