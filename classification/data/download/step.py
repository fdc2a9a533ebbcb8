"""The download step: plan, look for room, fetch, report."""

from threading import Event

from tqdm import tqdm

from classification.data.download.estimate import (
    check_room,
    duration,
    estimate,
    free_bytes,
    gigabytes,
)
from classification.data.download.fetch import Patience, Settled, Settler
from classification.data.download.items import Wanted, wanted
from classification.data.download.ledger import Ledger
from classification.data.download.options import DownloadOptions
from classification.data.download.plan import Job, Plan, plan
from classification.data.download.pool import as_done
from classification.data.download.report import Tally
from classification.data.download.s3 import S3Links
from classification.data.download.web import Web
from classification.paths import DownloadPaths

ANIML_PROFILE = "animl"
_SAMPLE, _DRY_SAMPLE = 30, 100  # files asked for their size


def download_images(options: DownloadOptions) -> None:
    """Fetch the images of a dataset that are missing or wrong in the output folder.

    Raises:
        FieldmarkError: unusable options or input, no room, or too many failures; what is there
            stays and the same command goes on from it.
    """
    options.check()
    want = wanted(options)
    paths = DownloadPaths(options.output_dir)
    links = S3Links(
        profile=options.profile,
        anonymous=options.anonymous,
        prefer_profile=ANIML_PROFILE if want.animl else "",
    )
    web = Web(threads=options.max_threads, timeout=options.timeout, s3=links)
    existing = paths.ledger if paths.ledger.exists() else None
    with Ledger(existing if options.dry_run else paths.ledger) as ledger, web:
        todo = plan(
            want.items,
            ledger,
            paths.root,
            verify=options.verify,
            accept_other_source=options.accept_other_source,
        )
        if options.dry_run:
            print(forecast(want, todo, web, options))
            return
        tally = run(want, todo, ledger, web, options)
        ledger.export(paths.manifest)
    print(tally.summary())
    print(f"one row per file: {paths.manifest}")
    tally.judge(options)


def run(want: Wanted, todo: Plan, ledger: Ledger, web: Web, options: DownloadOptions) -> Tally:
    """Settle every job of `todo`, each outcome in the ledger as it comes."""
    missing = [j.item for j in todo.jobs if not (options.output_dir / j.item.path).exists()]
    expected = estimate(missing, web=web, threads=options.max_threads, sample=_SAMPLE)
    if expected:
        check_room(expected, options.output_dir)
    tally = Tally(present=todo.present, failures=list(want.rejects))
    for record in want.rejects:
        ledger.put(record)
    stop = Event()
    settler = Settler(
        options.output_dir,
        web=web,
        patience=Patience(retries=options.retries),
        stop=stop,
        keep_truncated=options.keep_truncated,
    )

    def work(job: Job) -> Settled:
        return settler.settle(job.item, job.known)

    with tqdm(total=len(todo.jobs), unit="file", disable=None) as bar:
        for settled in as_done(work, todo.jobs, threads=options.max_threads, stop=stop):
            ledger.put(settled.record)
            tally.add(settled)
            bar.set_postfix_str(
                f"{gigabytes(tally.bytes)}, {len(tally.failures)} failed", refresh=False
            )
            bar.update()
    return tally


def forecast(want: Wanted, todo: Plan, web: Web, options: DownloadOptions) -> str:
    """Files, gigabytes and time of a run that is not made."""
    count = len(todo.jobs)
    lines = [
        f"dry run: {count:,} files to fetch or check, {todo.present:,} are there, "
        f"{len(want.rejects):,} cannot be asked for"
    ]
    items = [job.item for job in todo.jobs]
    expected = estimate(items, web=web, threads=options.max_threads, sample=_DRY_SAMPLE, timed=True)
    if expected:
        free = gigabytes(free_bytes(options.output_dir))
        lines += [
            f"about {gigabytes(expected.bytes)} ({gigabytes(expected.mean_bytes)} each, mean of "
            f"{expected.sampled}); {free} free on that disk",
            f"about {duration(expected.seconds)} at {gigabytes(expected.bytes_per_second)}/s with "
            f"{options.max_threads} threads",
        ]
    elif items:
        lines.append("no server told the size of any file: no estimate of size and time")
    return "\n".join(lines)
