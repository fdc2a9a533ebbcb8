import pickle

import pytest

from classification.comparison.build import make_entrants
from classification.comparison.curves import read_curve
from classification.comparison.grid import play_grid
from classification.comparison.play import Protocol
from classification.errors import FieldmarkError
from classification.own_strategy import own_strategy
from classification.paths import ComparisonPaths

from .tasks import make_task

FILE = """
from classification.query import BaseSampler
from {beside} import least

def first(pool, n, rng, *, skip: int = 0):
    return pool.unlabelled[skip : skip + n]

class Last(BaseSampler):
    def sample(self, pool, n, rng):
        return pool.unlabelled[-n:]

last = Last()

def short(pool, n, rng):
    return pool.unlabelled[: n - 1]

def failing(pool, n, rng):
    return pool.unlabelled[pool.nothing]
"""


@pytest.fixture
def mine(tmp_path):
    """A file of strategies that imports the one beside it."""
    (tmp_path / f"beside_{tmp_path.name}.py").write_text("least = 1\n")
    path = tmp_path / "mine.py"
    path.write_text(FILE.format(beside=f"beside_{tmp_path.name}"))
    return path


def play(folder, *strategies):
    task = make_task(120)
    return play_grid(
        [task],
        make_entrants(strategies, per_group=0),
        protocols={task.title: Protocol(start=6, batch=6, rounds=1)},
        seeds=[0],
        paths=ComparisonPaths(folder),
        processes=1,
    )


def test_functions_and_objects_in_a_file_are_compared_by_their_names(mine, tmp_path):
    skipping = {"name": "later", "strategy": f"{mine}:first", "skip": 3}
    table = play(tmp_path / "out", f"{mine}:first", f"{mine}:last", skipping)
    assert set(table["strategy"]) == {"random", "first", "last", "later"}
    paths = ComparisonPaths(tmp_path / "out")
    first, later, last = (
        read_curve(paths.cell("made", name, 0)).queries[6:] for name in ("first", "later", "last")
    )
    assert first == sorted(first)
    assert first[3:] == later[:3]
    assert max(later) < min(last)


def test_a_strategy_is_known_by_its_content_wherever_the_file_is(mine, tmp_path):
    play(tmp_path / "out", f"{mine}:first")
    again = mine.rename(tmp_path / "moved.py")
    play(tmp_path / "out", f"{again}:first")
    again.write_text(again.read_text().replace("skip: int = 0", "skip: int = 1"))
    with pytest.raises(FieldmarkError, match=r"result of other strategy; .* or delete .*first"):
        play(tmp_path / "out", f"{again}:first")


def test_it_travels_to_other_processes_as_path_and_name(mine):
    own = own_strategy(f"{mine}:first")
    assert pickle.loads(pickle.dumps(own)) == own
    assert str(mine) not in repr(own)  # which results rest on


def test_faults_are_told_together(mine, tmp_path):
    broken = tmp_path / "broken.py"
    broken.write_text("import no_such_module")
    with pytest.raises(FieldmarkError) as caught:
        make_entrants(
            [
                f"{mine}:second",
                f"{tmp_path / 'none.py'}:x",
                f"{broken}:x",
                {"strategy": f"{mine}:first", "skip": "many"},
            ],
            per_group=1,
        )
    for words in (
        "mine.py has no strategy 'second'",
        "there are: first, last, short, failing",
        "there is no file",
        "broken.py cannot be imported: ModuleNotFoundError",
        "skip is 'many'; give a whole number",
    ):
        assert words in str(caught.value)


def test_what_it_returns_is_held_against_it_by_name(mine, tmp_path):
    with pytest.raises(FieldmarkError, match=r"strategy 'short' returned\n.*5 positions where 6"):
        play(tmp_path / "out", f"{mine}:short")


def test_an_error_of_its_own_is_told_with_its_line(mine, tmp_path):
    said = r"'failing' failed: AttributeError: .*mine.py in line \d+, return pool.unlabelled\[pool"
    with pytest.raises(FieldmarkError, match=said):
        play(tmp_path / "out", f"{mine}:failing")
