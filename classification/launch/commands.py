"""What ``classification/jobs.py`` does: each command over one found job, with an exit code."""

from classification.errors import FieldmarkError
from classification.launch import JobRecord, Launcher, Start, UnreachableError, launcher
from classification.launch.options import JobsOptions
from classification.launch.records import all_jobs, config_of, find_job
from classification.launch.start import follow, resume
from classification.launch.watch import EXIT, heartbeat, hints


def execute(options: JobsOptions) -> int:
    """Run a command; its exit code.

    Raises:
        FieldmarkError: no such job, the command does not fit to it, or AWS does not answer.
    """
    if options.command == "list":
        return _list(options)
    if not options.job:
        raise FieldmarkError(
            f"{options.command} needs a job: the start of its name, or its run folder. "
            "python classification/jobs.py list shows them"
        )
    record = find_job(options.job, options.runs)
    commands = {
        "status": _status,
        "logs": _logs,
        "attach": _attach,
        "stop": _stop,
        "resume": _resume,
        "cost": _cost,
        "pull": _pull,
        "push": _push,
    }
    try:
        return commands[options.command](options, record, launcher(record.backend))
    except UnreachableError as error:
        raise FieldmarkError(f"{record.name} cannot be reached: {error}. Try again.") from None


def _list(options: JobsOptions) -> int:
    """All jobs, oldest first, with how they are now."""
    records = all_jobs(options.runs)
    if not records:
        print(f"no jobs below {options.runs}")
    width = max((len(record.name) for record in records), default=0)
    for record in records:
        try:
            state = launcher(record.backend).status(record)
            status, reason = state.status, state.reason.partition("\n")[0]
        except (UnreachableError, FieldmarkError) as error:
            status, reason = "unknown", str(error).partition("\n")[0]
        print(f"{record.name:{width}}  {record.backend:9}  {record.created}  {status:11}  {reason}")
    return 0


def _status(options: JobsOptions, record: JobRecord, there: Launcher) -> int:
    """Everything known of one job; exit code 0 while it runs, then the job's own."""
    state = there.status(record)
    facts = {
        "job": record.name,
        "backend": record.backend,
        "run": record.run,
        "status": state.status + (f" ({state.phase})" if state.phase else ""),
        "reason": state.reason,
        "machine": state.machine,
        "running": f"{state.seconds / 60:.1f} min",
        "heartbeat": "" if state.ended else heartbeat(state),
        **record.details,
    }
    for key, value in facts.items():
        if value:
            print(f"{key + ':':13}{value}")
    return EXIT[state.status] if state.ended else 0


def _logs(options: JobsOptions, record: JobRecord, there: Launcher) -> int:
    if options.follow:
        return _attach(options, record, there)
    cursor = ""
    while (page := there.logs(record, cursor)).lines:
        print("\n".join(page.lines))
        cursor = page.cursor
    return 0


def _attach(options: JobsOptions, record: JobRecord, there: Launcher) -> int:
    return follow(there, record, config_of(record).launch.sagemaker)


def _stop(options: JobsOptions, record: JobRecord, there: Launcher) -> int:
    state = there.status(record)
    if state.ended:
        print(f"{record.name} had {state.status} already")
        return 0
    there.stop(record)
    print(f"asked {record.name} to save and stop; {hints(record)}")
    return 0


def _resume(options: JobsOptions, record: JobRecord, there: Launcher) -> int:
    return resume(record, Start(follow=not options.detach, yes=options.yes))


def _cost(options: JobsOptions, record: JobRecord, there: Launcher) -> int:
    _require_aws(options, record)
    from classification.launch.cost import settle

    print("\n".join(settle(record, there.status(record), config_of(record))))
    return 0


def _pull(options: JobsOptions, record: JobRecord, there: Launcher) -> int:
    _require_aws(options, record)
    from classification.launch.exchange import pull

    print("\n".join(pull(record, config_of(record))))
    return 0


def _push(options: JobsOptions, record: JobRecord, there: Launcher) -> int:
    _require_aws(options, record)
    from classification.launch.exchange import push

    print("\n".join(push(record, config_of(record))))
    return 0


def _require_aws(options: JobsOptions, record: JobRecord) -> None:
    if record.backend != "sagemaker":
        raise FieldmarkError(
            f"{record.name} runs on this machine: there is nothing to {options.command}; its "
            f"files are in {record.run}"
        )
