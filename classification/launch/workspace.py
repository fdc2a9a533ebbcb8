"""The folders of a container under the names that the configuration uses.

A run records where its data and weights were; elsewhere they are somewhere else. Links under the
recorded names keep the run folder the same wherever it was made.
"""

import os
from pathlib import Path, PurePath

from classification.config import RunConfig
from classification.paths import ContainerPaths, DatasetPaths


def project(ml: ContainerPaths, config: RunConfig) -> Path:
    """The folder that the configuration's names are relative to."""
    names = [config.data.dir, config.backbone.weights]
    climbs = max(PurePath(os.path.normpath(name)).parts.count("..") for name in names)
    return ml.work.joinpath(*["up"] * climbs, "project")


def lay_out(ml: ContainerPaths, config: RunConfig) -> None:
    """Link the channels into place."""
    here = project(ml, config)
    here.mkdir(parents=True, exist_ok=True)
    data = DatasetPaths(_under(here, config.data.dir))
    for path in sorted(ml.channel("tables").iterdir()):
        _link(data.root / path.name, path)
    _link(data.crops, ml.channel("crops"))
    weights = ml.channel("weights")
    if weights.is_dir():
        _link(_under(here, config.backbone.weights), next(weights.iterdir()))


def _under(here: Path, name: str) -> Path:
    """`name` as this system would find it from `here`, without asking for each ``..``."""
    return Path(os.path.normpath(here / name))


def _link(name: Path, target: Path) -> None:
    if name.is_symlink():  # the job was restarted on the same machine
        name.unlink()
    if not name.exists():
        name.parent.mkdir(parents=True, exist_ok=True)
        name.symlink_to(target.resolve())
