"""Who may become champion, and the way back."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from classification.errors import FieldmarkError
from classification.versions.champion import beats, champion_of, promote, rollback
from classification.versions.register import register_version
from tests.versions.made import record_of

RULES = [
    ({"test.macro_f1": "0.5", "data.test_split": "s"}, None, True, "first champion"),
    ({"data.test_split": "s"}, None, False, "not measured"),
    ({"test.macro_f1": "0.5", "data.test_split": "s"}, {}, False, "cannot be compared"),
    (
        {"test.macro_f1": "0.5", "data.test_split": "s"},
        {"test.macro_f1": "0.4", "data.test_split": "t"},
        False,
        "another test split",
    ),
    (
        {"test.macro_f1": "0.5", "data.test_split": "s"},
        {"test.macro_f1": "0.4"},
        False,
        "another test split",
    ),
]


@pytest.mark.parametrize(("tags", "champion", "wins", "why"), RULES)
def test_who_may_be_compared_with_the_champion(tags, champion, wins, why):
    better, reason = beats(tags, champion)
    assert better == wins
    assert why in reason


@given(st.floats(0, 1), st.floats(0, 1))
def test_on_one_test_split_the_higher_score_wins_and_a_draw_keeps_the_champion(new, old):
    def tags(score):
        return {"test.macro_f1": str(score), "data.test_split": "s"}

    assert beats(tags(new), tags(old))[0] == (new > old)


@pytest.fixture
def three(client, new_run, export):
    """Versions 1 and 2, each champion in its time, and 3, which is worse than 2."""
    for score in (0.5, 0.7, 0.6):
        record = record_of(export, macro_f1=score)
        register_version(client, name="critters", run=new_run(), export=export, record=record)
    return client


def champion(client):
    return str(champion_of(client, "critters").version)


def test_a_worse_version_is_refused_with_the_reason_and_nothing_moves(three):
    with pytest.raises(FieldmarkError, match=r"version 3 .* 0\.600 does not beat .* 0\.700"):
        promote(three, three.get_model_version("critters", "3"))
    assert champion(three) == "2"


def test_back_to_each_champion_before_and_then_no_further(three):
    assert rollback(three, "critters") == "critters version 1 is champion again, in place of 2"
    assert champion(three) == "1"
    assert three.get_model_version("critters", "2").tags["champion.withdrawn"]
    with pytest.raises(FieldmarkError, match="version 1 replaced no champion"):
        rollback(three, "critters")


def test_after_a_rollback_a_better_version_may_come_and_the_way_back_is_the_new_one(three):
    rollback(three, "critters")
    assert "version 3 is champion" in promote(three, three.get_model_version("critters", "3"))
    assert rollback(three, "critters").startswith("critters version 1")


def test_a_champion_that_was_deleted_is_no_way_back(three):
    three.delete_model_version("critters", "1")
    with pytest.raises(FieldmarkError, match="version 1, which was champion before 2, was deleted"):
        rollback(three, "critters")
    assert champion(three) == "2"


def test_without_a_champion_there_is_nothing_to_roll_back(three):
    three.delete_registered_model_alias("critters", "champion")
    with pytest.raises(FieldmarkError, match="has no champion"):
        rollback(three, "critters")
