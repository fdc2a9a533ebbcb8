"""What docs/comparisons.md shows runs as it stands."""

import re


def test_the_code_of_the_page_runs(root, tmp_path, monkeypatch, capsys):
    page = (root / "docs" / "comparisons.md").read_text()
    code = re.search(r"```python\n(.*?)```", page, re.DOTALL)
    assert code
    monkeypatch.chdir(tmp_path)
    found = {}
    exec(code.group(1), found)
    assert "darkest" in capsys.readouterr().out
    assert found["results"]["num_labels"].unique().tolist() == [8, 12]
    assert len(found["validation"]["runs"]) == 3 * 2 * 2
    for name in ("results.parquet", "recall.parquet", "val-results.json", "run_details.json"):
        assert (tmp_path / "runs" / "comparison" / "000001" / name).exists()


def test_files_that_the_page_names_are_there(root):
    page = (root / "docs" / "comparisons.md").read_text()
    for path in re.findall(r"runs/\w+/\w+\.yml|classification/\w+\.py", page):
        assert (root / path).exists(), path
