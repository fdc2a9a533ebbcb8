"""Asking people: hands a query out, takes answers in, and waits for them where that is wanted."""

import time
from collections.abc import Callable

from classification.config_labels import LabelConfig
from classification.labelling.leases import Overlap
from classification.labelling.store import LabelStore
from classification.labelling.timelapse.exchange import Request, take_in_new, wait_for_file
from classification.labelling.timelapse.returned import not_returned
from classification.labelling.timelapse.selector import hand_out
from classification.paths import RunPaths
from classification.paths.labels import TimelapsePaths

_POLL = 2.0  # seconds between two looks at the store


def overlap_of(config: LabelConfig) -> Overlap:
    """The overlap that a configuration asks for."""
    return Overlap(share=config.overlap, annotators=config.overlap_annotators)


def ask_people(
    store: LabelStore,
    config: LabelConfig,
    request: Request,
    paths: TimelapsePaths,
    *,
    tell: Callable[[str], None] = print,
) -> int:
    """Take answers in and ask for what is missing.

    Args:
        store: where decisions are.
        config: the source, and whether to wait here until everything is answered.
        request: the query.
        paths: the exchange with Timelapse.
        tell: shows a line to a person.

    Returns:
        How many items still wait; 0 unless the wait was cut short or `config.wait` is "no".
    """
    while True:
        if config.source == "timelapse":
            while lines := take_in_new(store, request, paths):
                tell("\n".join(lines))
            for line in not_returned(paths.returned):
                tell(line)
        waiting = store.undecided(request.query, request.overlap)
        if not waiting:
            return 0
        if config.source == "timelapse":
            hand_out(paths, request.items, waiting, request.classes)
        if not _wait(store, config, request, paths, waiting=len(waiting), tell=tell):
            return len(waiting)


def where_to_answer(config: LabelConfig, store: str, paths: TimelapsePaths) -> str:
    """What a person has to do, in half a sentence."""
    if config.source == "timelapse":
        return (
            f"copy {paths.template} into the folder of the crops, open that in Timelapse, import "
            f"{paths.selector}, fill in Species where Selected is ticked, and export all data as "
            f"CSV into {paths.returned}"
        )
    config_file = RunPaths(paths.root).config
    return (
        f"answer them in the browser (python classification/label.py serve --config {config_file}) "
        f"or by label.py import; they go into {store}"
    )


def _wait(
    store: LabelStore,
    config: LabelConfig,
    request: Request,
    paths: TimelapsePaths,
    *,
    waiting: int,
    tell: Callable[[str], None],
) -> bool:
    """Whether something may have changed; False to stop here."""
    if config.wait == "no":
        return False
    tell(f"waiting for {waiting} labels: {where_to_answer(config, store.name, paths)}")
    if config.wait == "enter":
        try:
            input("press enter when that is done ")
        except EOFError:  # nobody is there
            return False
    elif config.source == "timelapse":
        wait_for_file(paths, store, request)
    else:
        while store.undecided(request.query, request.overlap):
            time.sleep(_POLL)
    return True
