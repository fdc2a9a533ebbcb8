import json
from pathlib import Path
from typing import Any

import pytest

from classification.data.clean.step import combine_datasets
from classification.data.options import CombineOptions
from tests.data.clean.datasets import Combined, Run


@pytest.fixture
def combine(tmp_path: Path) -> Run:
    """Write datasets, combine them, read what came out."""

    def run(*datasets: dict[str, Any], **options: Any) -> Combined:
        files = []
        for number, value in enumerate(datasets):
            files.append(tmp_path / f"{'abc'[number]}_cct.json")
            files[-1].write_text(json.dumps(value))
        out = tmp_path / "interim" / "both"
        combine_datasets(CombineOptions(output_dir=out, cct=tuple(files), **options))
        return Combined(out)

    return run
