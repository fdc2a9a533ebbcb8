"""A whole run in this process: rounds, export, report, registry."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from filelock import FileLock, Timeout

from classification.config import RunConfig
from classification.data.dataset import load_dataset
from classification.errors import FieldmarkError
from classification.launch import Job
from classification.learning.fit import make_bench, make_inputs
from classification.learning.model import load_classifier, save_export
from classification.learning.serve import serve
from classification.learning.stop import StopRequest
from classification.learning.team import ALONE, Team
from classification.paths import DatasetPaths, ExportPaths, RunPaths
from classification.report import write_report
from classification.rounds import Outcome, run_rounds
from classification.summary import closing_lines, plan_line, round_line
from classification.tracking import make_tracker


def run_here(
    job: Job,
    *,
    team: Team = ALONE,
    on_round: Callable[[], None] = lambda: None,
    stop: StopRequest | None = None,
) -> Outcome:
    """Play the rounds in this process, alone in the run folder; then export, report, register.

    Args:
        job: what to run.
        team: processes that share the work; this one leads.
        on_round: called after each complete round.
        stop: by which a training in progress is asked to write its state.

    Raises:
        FieldmarkError: another process works in the folder, or the run cannot go on.
    """
    paths = RunPaths(job.run)
    with alone_in(paths):
        if not job.resume:
            set_aside(paths, job.config)
        outcome = _run(job.config, paths, team, on_round, stop)
    if team.leads:
        team.tell(None)
    return outcome


def help_here(job: Job, team: Team) -> None:
    """Share the work of the process that leads, until it is done.

    Raises:
        FieldmarkError: this process cannot do its part, say because a crop is missing.
    """
    crops = DatasetPaths(Path(job.config.data.dir)).crops
    serve(make_inputs(job.config, crops, team))


@contextmanager
def alone_in(paths: RunPaths) -> Iterator[None]:
    """Hold the lock of a run folder, which is made where it is missing.

    Raises:
        FieldmarkError: another process holds it.
    """
    paths.root.mkdir(parents=True, exist_ok=True)
    lock = FileLock(paths.lock, timeout=0)
    try:
        lock.acquire()
    except Timeout:
        raise FieldmarkError(
            f"another process is working in {paths.root}; wait for it, or use another "
            "experiment folder"
        ) from None
    try:
        yield
    finally:
        lock.release()


def set_aside(paths: RunPaths, config: RunConfig) -> Path | None:
    """Move a run's outputs to ``previous/<time>``; the folder, or None if there were none.

    Raises:
        FieldmarkError: the outputs include labels by people, which a fresh start would not see.
    """
    old = [p for p in paths.outputs if p.exists()]
    if not old:
        return None
    if config.labels.source != "oracle" and paths.labels.exists():
        raise FieldmarkError(
            f"--no-resume would set aside the labels people gave in {paths.labels}. To start "
            "afresh, copy config.yml into another experiment folder and train there."
        )
    folder = move_aside(old, paths)
    print(f"set aside {len(old)} outputs of an earlier run in {folder}")
    return folder


def move_aside(outputs: Sequence[Path], paths: RunPaths) -> Path:
    """Move `outputs` to ``previous/<time>``; the folder."""
    folder = paths.previous / datetime.now(UTC).strftime("%Y%m%dT%H%M%S.%fZ")
    folder.mkdir(parents=True)
    for path in outputs:
        path.rename(folder / path.name)
    return folder


def _run(
    config: RunConfig,
    paths: RunPaths,
    team: Team,
    after_round: Callable[[], None],
    stop: StopRequest | None,
) -> Outcome:
    dataset = load_dataset(config.data, people=config.labels.source != "oracle")
    bench = make_bench(config, dataset, paths, team, stop)
    tracker = make_tracker(config.tracking, paths)
    print(plan_line(dataset, config, device=str(bench.inputs.device)), flush=True)

    def on_round(number: int) -> None:
        print(round_line(paths.round(number)), flush=True)
        after_round()
        tracker.sync()

    outcome = run_rounds(bench, on_round=on_round)
    tracker.sync(finished=outcome.finished)
    write_report(paths.root, crops_dir=dataset.crops)
    model = paths.newest_model()
    if outcome.finished and model is not None:
        export = ExportPaths(paths.export)
        save_export(export, load_classifier(model.root))
        tracker.register(export)
    print("\n".join(closing_lines(paths, outcome, config.labels, tracking=tracker.where)))
    return outcome
