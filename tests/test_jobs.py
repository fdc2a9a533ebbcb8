"""``jobs.py``: every command over jobs of two backends that are not there any more."""

import pytest

from classification.errors import FieldmarkError
from classification.files import write_json
from classification.jobs import parse
from classification.launch import JobState, LogPage, UnreachableError, commands
from classification.launch.commands import execute
from classification.launch.options import JobsOptions
from classification.launch.records import save_record
from classification.paths import RunPaths
from classification.query.names import STRATEGY_NAMES
from classification.settings import load_config
from tests.launch.fakes import Scripted, record


@pytest.fixture
def runs(tmp_path):
    """Two jobs: a local one that was stopped, and one on AWS."""
    folder = tmp_path / "runs" / "resnet" / "base"
    folder.mkdir(parents=True)
    (folder / "config.yml").write_text("rounds: 1\n")
    config = load_config(folder / "config.yml", strategies=STRATEGY_NAMES)
    for name, backend in (("here-1", "local"), ("there-1", "sagemaker")):
        values = {**vars(record(name, folder, region="us-west-2")), "backend": backend}
        save_record(type(record())(**values), config)
    job = RunPaths(folder).job("here-1")
    ended = "2026-01-02T03:05:05+00:00"
    write_json(job.end, {"status": "stopped", "reason": "asked to stop", "ended": ended})
    job.log.write_text("first\nlast\n")
    return tmp_path / "runs"


@pytest.fixture
def there(monkeypatch):
    """What the launcher of AWS answers."""
    made = Scripted(states=[JobState(status="running", log_age=5.0)])
    real = commands.launcher
    monkeypatch.setattr(commands, "launcher", lambda b: made if b == "sagemaker" else real(b))
    return made


def call(runs, *words):
    return execute(parse([*words, "--runs", str(runs)]))


def test_the_command_line():
    assert parse(["logs", "x", "-f"]) == JobsOptions(command="logs", job="x", follow=True)
    assert parse(["list"]) == JobsOptions(command="list")


def test_list_shows_every_job_and_says_where_it_cannot_see(runs, there, capsys):
    there.states = [UnreachableError("ExpiredToken: log in again")]
    assert call(runs, "list") == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines] == ["here-1", "there-1"]
    assert "stopped" in lines[0]
    assert "unknown" in lines[1]
    assert "ExpiredToken" in lines[1]


def test_status_of_an_ended_job_exits_as_the_job_did(runs, capsys):
    assert call(runs, "status", "here") == 4
    said = capsys.readouterr().out
    assert "reason:      asked to stop" in said
    assert "running:     1.0 min" in said


def test_status_of_a_running_job_shows_its_heartbeat(runs, there, capsys):
    assert call(runs, "status", "there-1") == 0
    assert "last log 5 s ago, last checkpoint none yet" in capsys.readouterr().out


def test_logs_and_attach(runs, capsys):
    assert call(runs, "logs", "here-1") == 0
    assert capsys.readouterr().out == "first\nlast\n"
    assert call(runs, "attach", "here-1") == 4
    assert capsys.readouterr().out == "first\nlast\n"


def test_stop_asks_only_what_still_runs(runs, there, capsys):
    asked = []
    there.stop = asked.append
    assert call(runs, "stop", "there-1") == 0
    assert [job.name for job in asked] == ["there-1"]
    assert call(runs, "stop", "here-1") == 0
    assert "had stopped already" in capsys.readouterr().out


@pytest.mark.parametrize("command", ["cost", "pull", "push"])
def test_what_only_aws_has_is_refused_for_a_job_of_this_machine(runs, command):
    with pytest.raises(FieldmarkError, match=f"nothing to {command}"):
        call(runs, command, "here-1")


def test_a_command_without_a_job_or_answer_says_so(runs, there):
    with pytest.raises(FieldmarkError, match="status needs a job"):
        call(runs, "status")
    there.states = [UnreachableError("no network")]
    with pytest.raises(FieldmarkError, match="there-1 cannot be reached: no network"):
        call(runs, "status", "there-1")


def test_an_empty_log_is_no_error(runs, there, capsys):
    there.logs = lambda record, cursor: LogPage(lines=[], cursor="")
    assert call(runs, "logs", "there-1") == 0
    assert capsys.readouterr().out == ""
