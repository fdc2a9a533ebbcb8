"""Decisions and flags reach a job and come back, once each."""

from classification.config import RunConfig
from classification.config_labels import LabelConfig
from classification.labelling.flags import flag_items, flagged_items
from classification.labelling.store import LabelStore
from classification.launch.ledgers import ledger_of, merge_ledger
from classification.paths import RunPaths
from tests.labelling.made import decision


def test_a_job_gets_what_a_team_decided_and_what_it_keeps_for_validation(tmp_path):
    team = tmp_path / "team.db"
    store = LabelStore(team)
    store.add([decision("a", "fox"), decision("b", "cat")])
    flag_items(store, ["b"], validation=True, annotator="ann")
    config = RunConfig(labels=LabelConfig(store=f"sqlite:///{team}"))
    sent = tmp_path / "sent.db"
    sent.write_bytes(ledger_of(config, RunPaths(tmp_path / "run")) or b"")
    assert LabelStore(sent).history() == store.history()
    assert flagged_items(LabelStore(sent)) == {"b": True}


def test_what_was_said_elsewhere_is_added_once_and_the_last_word_stays(tmp_path):
    ours, theirs = LabelStore(tmp_path / "ours.db"), LabelStore(tmp_path / "theirs.db")
    theirs.add([decision("a", "fox"), decision("b", "cat")])
    flag_items(theirs, ["a", "b"], validation=True, annotator="ann")
    assert merge_ledger(ours, tmp_path / "theirs.db") == 2
    flag_items(ours, ["b"], validation=False, annotator="ann")
    assert merge_ledger(ours, tmp_path / "theirs.db") == 0
    assert flagged_items(ours) == {"a": True, "b": False}
    assert {item: d.single for item, d in ours.current().items()} == {"a": "fox", "b": "cat"}
