"""Crops of which each machine has a part, as S3 hands them out for pools larger than a disk.

Each machine embeds what it has. What all train on, they send each other once.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from classification.data.parallel import in_chunks
from classification.errors import FieldmarkError
from classification.files import write_bytes
from classification.learning.crops import Inputs

_FILES = 256  # sent at once: some 10 MB


def divide(paths: Sequence[str], inputs: Inputs) -> list[NDArray[np.intp]]:
    """Positions of `paths` for each process: of those that have an item, the one with fewest.

    Raises:
        FieldmarkError: no machine has an item.
    """
    here = _holders(paths, inputs)
    shares: list[list[int]] = [[] for _ in range(inputs.team.size)]
    for position, holders in enumerate(here.T):
        fewest = min(np.flatnonzero(holders), key=lambda rank: len(shares[rank]))
        shares[fewest].append(position)
    return [np.array(share, dtype=np.intp) for share in shares]


def spread(paths: Sequence[str], inputs: Inputs) -> None:
    """Give every machine those of `paths` that it lacks, and wait until all have them.

    Raises:
        FieldmarkError: no machine has an item, or a disk is full.
    """
    team = inputs.team
    if not team.sharded:
        return
    here = _holders(paths, inputs)
    wanted = np.flatnonzero(~here.all(axis=0))
    sources = here.argmax(axis=0)
    for source in np.unique(sources[wanted]):
        for chunk in in_chunks(wanted[sources[wanted] == source], _FILES):
            names = [paths[int(i)] for i in chunk]
            mine = team.rank == source
            files = [(inputs.reader.folder / name).read_bytes() for name in names] if mine else None
            for i, name, data in zip(
                chunk, names, team.share(files, source=int(source)), strict=True
            ):
                if team.local_rank == 0 and not here[team.rank, i]:
                    write_bytes(inputs.reader.folder / name, data, durable=False)
    team.wait()


def _holders(paths: Sequence[str], inputs: Inputs) -> NDArray[np.bool_]:
    """Which process's machine has which item: bool [processes, n]."""
    folder = inputs.reader.folder
    here = inputs.team.gather(np.array([(folder / p).exists() for p in paths], dtype=bool))
    lost = np.flatnonzero(~here.any(axis=0))
    if len(lost):
        raise FieldmarkError(
            f"{len(lost)} crops are on no machine of the job, first {paths[lost[0]]}; were they "
            "deleted in S3 after the job was submitted?"
        )
    return here
