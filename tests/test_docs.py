"""What the pages under docs/ show is there and runs."""

import re

from classification.query.names import ALIASES, STRATEGY_NAMES


def test_the_page_of_strategies_names_every_one_and_its_code_runs(root, capsys):
    page = (root / "docs" / "strategies.md").read_text()
    table = [line.split("|")[1] for line in page.splitlines() if line.startswith("| `")]
    named = {name for cell in table for name in re.findall(r"`(\w+)`", cell)}
    assert named == set(STRATEGY_NAMES) | set(ALIASES)
    code = re.search(r"```python\n(.*?)```", page, re.DOTALL)
    assert code
    exec(code.group(1), {})
    assert len(capsys.readouterr().out.splitlines()) == 3
