import pytest

from classification.errors import FieldmarkError
from classification.launch import JobState, UnreachableError
from classification.launch.watch import EXIT, Watch, heartbeat
from tests.launch.fakes import Clock, Scripted, record

RUNNING = JobState(status="running")


def watch(states, lines=None, **options):
    clock = Clock()
    launcher = Scripted(states=states, lines=lines or {})
    made = Watch(launcher=launcher, record=record(), clock=clock, sleep=clock.sleep, **options)
    return made, clock


@pytest.mark.parametrize("status", ["completed", "failed", "stopped", "timed out", "interrupted"])
def test_every_end_has_an_exit_code_of_its_own_and_says_why(status, capsys):
    made, _ = watch([RUNNING, JobState(status=status, reason="because")])
    assert made.wait() == EXIT[status]
    assert f"{status}: because" in capsys.readouterr().err
    assert len(set(EXIT.values())) == len(EXIT)
    assert not set(EXIT.values()) & {1, 2, 130}


def test_the_log_comes_once_and_to_the_last_line(capsys):
    lines = {0: ["one"], 1: ["two", "three"], 2: ["the very last"]}
    made, _ = watch([RUNNING, RUNNING, JobState(status="completed")], lines)
    made.wait()
    assert capsys.readouterr().out.split("\n") == ["one", "two", "three", "the very last", ""]


def test_a_bad_end_shows_the_last_fifty_lines_and_how_to_go_on(capsys):
    lines = {0: [f"line {n}" for n in range(80)]}
    made, _ = watch([JobState(status="failed", reason="out of memory")], lines, follow=False)
    assert made.wait() == EXIT["failed"]
    said = capsys.readouterr()
    assert "line 29\n" not in said.err
    assert "line 30\n" in said.err
    assert said.err.index("line 79") < said.err.index("failed: out of memory")
    assert "jobs.py resume resnet-18-baseline-1" in said.err
    assert said.out == ""


def test_waiting_outlives_a_backend_that_does_not_answer_and_says_so_once(capsys):
    expired = UnreachableError("ExpiredToken: the token has expired")
    made, clock = watch([RUNNING, *[expired] * 6, RUNNING, JobState(status="completed")])
    assert made.wait() == 0
    said = capsys.readouterr().err
    assert said.count("ExpiredToken") == 1
    assert said.count("in contact") == 1
    assert clock.slept == [10, 20, 40, 60, 60, 60, 60, 10]  # slower and slower, up to a minute


def test_what_trying_again_cannot_mend_ends_the_waiting():
    made, _ = watch([RUNNING, FieldmarkError("no such job")])
    with pytest.raises(FieldmarkError, match="no such job"):
        made.wait()


def test_ctrl_c_leaves_the_job_running(capsys):
    made, _ = watch([RUNNING, KeyboardInterrupt()])
    assert made.wait() == 130
    said = capsys.readouterr().err
    assert "the job goes on" in said
    assert "jobs.py attach resnet-18-baseline-1" in said


def test_a_job_without_a_sign_of_life_is_given_up_on(capsys):
    silent = JobState(status="running", log_age=4000.0, checkpoint_age=None)
    made, clock = watch([silent], stall_seconds=600)
    assert made.wait() == EXIT["stalled"]
    assert 600 < clock.now < 640
    assert "last log 67 min ago, last checkpoint none yet" in capsys.readouterr().err


@pytest.mark.parametrize(
    "state",
    [
        JobState(status="queued", phase="waits for a machine"),
        JobState(status="running", checkpoint_age=2.0, log_age=9000.0),
        JobState(status="running", log_age=3.0),
    ],
)
def test_a_queue_or_a_fresh_checkpoint_or_log_is_a_sign_of_life(state):
    made, clock = watch([*[state] * 200, JobState(status="completed")], stall_seconds=600)
    assert made.wait() == 0
    assert clock.now > 1900


def test_an_unreachable_backend_is_not_a_silent_job():
    gone = UnreachableError("no network")
    made, clock = watch([*[gone] * 60, JobState(status="completed")], stall_seconds=600)
    assert made.wait() == 0
    assert clock.now > 3000


def test_the_heartbeat_in_words():
    state = JobState(status="running", log_age=12, checkpoint_age=300)
    assert heartbeat(state) == "last log 12 s ago, last checkpoint 5 min ago"


def test_checkpoints_that_do_not_arrive_are_told_of_once(capsys):
    def state(minutes, seconds=7200.0):
        age = 60.0 * minutes
        return JobState(status="running", log_age=1.0, checkpoint_age=age, seconds=seconds)

    resumed = state(1000, seconds=100.0)  # that one is of the job before
    states = [resumed, *map(state, [1, 15, 25, 30, 35, 2, 25, 30])]
    made, _ = watch([*states, JobState(status="completed")], checkpoint_seconds=1200)
    assert made.wait() == 0
    said = capsys.readouterr().err
    assert said.count("Interrupted now") == 2  # it came again in between
    assert "last checkpoint 25 min ago" in said
