"""What a job on AWS did cost, from the seconds that are billed, kept beside it and in MLflow."""

from dataclasses import dataclass

from classification.config import RunConfig
from classification.files import read_json, write_json
from classification.launch import JobRecord, JobState
from classification.launch.prices import source, usd_per_hour
from classification.paths import RunPaths


@dataclass(frozen=True, kw_only=True)
class Cost:
    """Money and time of one job; `usd` is None where no price is known."""

    billable_seconds: float
    running_seconds: float
    usd: float | None
    final: bool
    """The job has ended."""


def cost_of(state: JobState, config: RunConfig) -> Cost:
    """From the billed seconds, or while AWS does not name them from the running time."""
    billed = state.seconds if state.billable_seconds is None else state.billable_seconds
    aws = config.launch.sagemaker
    price = usd_per_hour(aws, state.machine or aws.instances[0])
    return Cost(
        billable_seconds=billed,
        running_seconds=state.seconds,
        usd=None if price is None else billed / 3600 * price * aws.instance_count,
        final=state.ended,
    )


def settle(record: JobRecord, state: JobState, config: RunConfig) -> list[str]:
    """The cost in words; that of an ended job is recorded and sent to MLflow."""
    cost = cost_of(state, config)
    usd = (
        "unknown: set launch.sagemaker.usd_per_hour" if cost.usd is None else f"{cost.usd:.2f} USD"
    )
    lines = [
        f"{record.name} on {state.machine or 'a machine that AWS did not name yet'}",
        f"cost:   {usd}" + ("" if cost.final else " so far"),
        f"billed: {cost.billable_seconds / 60:.1f} min of {cost.running_seconds / 60:.1f} min"
        + _saved(cost),
        f"prices: {source(config.launch.sagemaker)}",
    ]
    if cost.final:
        write_json(RunPaths(record.run).job(record.name).cost, vars(cost))
        lines += _send(record, config, _total(RunPaths(record.run)))
    return lines


def _saved(cost: Cost) -> str:
    if cost.billable_seconds >= cost.running_seconds or not cost.running_seconds:
        return ""
    share = 1 - cost.billable_seconds / cost.running_seconds
    return f" ({share:.0%} saved by spot)"


def _total(run: RunPaths) -> dict[str, float]:
    """Money and hours of all jobs of a run that were settled."""
    known = [read_json(path, what="cost of a job") for path in run.jobs.glob("*/cost.json")]
    return {
        "cost_usd": sum(cost["usd"] or 0 for cost in known),
        "billable_hours": sum(cost["billable_seconds"] for cost in known) / 3600,
    }


def _send(record: JobRecord, config: RunConfig, total: dict[str, float]) -> list[str]:
    """Log the run's total as metrics of its MLflow run, where there is one."""
    from classification.tracking import make_tracker

    make_tracker(config.tracking, RunPaths(record.run)).log_totals(total)
    return [f"run:    {total['cost_usd']:.2f} USD in {total['billable_hours']:.2f} billed hours"]
