"""Strategies of one's own in a configuration: ``my_strategies.py:name``."""

import importlib.util
import inspect
import sys
import traceback
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from classification.config_query import is_own
from classification.errors import FieldmarkError
from classification.files import sha256_bytes
from classification.query.pool import Pool
from classification.query.select import resolve
from classification.query.strategy import BaseSampler, Strategy


@dataclass(frozen=True, kw_only=True)
class OwnStrategy:
    """A strategy in a file, which processes that play load for themselves.

    Results with it rest on its name and on the content of the file, wherever that is.
    """

    path: Path = field(repr=False)
    name: str
    digest: str

    @property
    def __name__(self) -> str:
        """As a function has it: faults of what it returns are told by its name."""
        return self.name

    def __call__(
        self, pool: Pool, n: int, rng: np.random.Generator, /, **options: Any
    ) -> NDArray[np.intp]:
        """Choose, as every `Strategy`.

        Raises:
            FieldmarkError: it raised something, with the line of the file.
        """
        strategy = load(self)
        try:
            return strategy(pool, n, rng, **options)
        except FieldmarkError:
            raise
        except Exception as error:  # whatever a stranger's function does
            frames = traceback.extract_tb(error.__traceback__)
            own = [frame for frame in frames if frame.filename == str(self.path)]
            where = f" in line {own[-1].lineno}, {own[-1].line}" if own else ""
            raise FieldmarkError(
                f"strategy {self.name!r} failed: {type(error).__name__}: {error}: "
                f"{self.path}{where}"
            ) from error


def named_strategy(name: str) -> str | OwnStrategy:
    """One of ours by its name, or as `own_strategy`; what `select` takes."""
    return own_strategy(name) if is_own(name) else name


def strategy_function(strategy: str | OwnStrategy) -> Strategy:
    """What is behind a `named_strategy`, whose parameters are the options.

    Raises:
        FieldmarkError: see `resolve` and `load`.
    """
    return load(strategy) if isinstance(strategy, OwnStrategy) else resolve(strategy)


def own_strategy(given: str) -> OwnStrategy:
    """``FILE.py:NAME`` as a strategy.

    Raises:
        FieldmarkError: no such file.
    """
    file, _, name = given.rpartition(":")
    path = Path(file).resolve()
    if not path.is_file():
        raise FieldmarkError(f"strategy {given!r}: there is no file {path}")
    return OwnStrategy(path=path, name=name, digest=sha256_bytes(path.read_bytes())[:16])


def own_hash(strategy: str) -> dict[str, str]:
    """What a result rests on besides the name of its strategy: the file, where it is one's own."""
    chosen = named_strategy(strategy)
    return {"strategy": chosen.digest} if isinstance(chosen, OwnStrategy) else {}


@cache
def load(own: OwnStrategy) -> Strategy:
    """The function, or the object of a subclass of `BaseSampler`, that the file holds.

    Raises:
        FieldmarkError: the file cannot be imported, or has no such strategy.
    """
    content = _import(own)
    found = content.get(own.name)
    if not isinstance(found, BaseSampler) and not inspect.isfunction(found):
        names = [
            name
            for name, value in content.items()
            if isinstance(value, BaseSampler)
            or (inspect.isfunction(value) and value.__module__ == content["__name__"])
        ]
        raise FieldmarkError(
            f"{own.path} has no strategy {own.name!r}, a function of pool, n and rng or an object "
            f"of a subclass of BaseSampler; there are: {', '.join(names) or 'none'}"
        )
    return found


def _import(own: OwnStrategy) -> dict[str, Any]:
    """What the file defines, by name; its neighbours can be imported, too."""
    spec = importlib.util.spec_from_file_location(f"own_{own.digest}", own.path)
    assert spec is not None  # the name ends in .py
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    if (folder := str(own.path.parent)) not in sys.path:
        sys.path.append(folder)
    sys.modules[spec.name] = module  # dataclasses look their module up
    try:
        spec.loader.exec_module(module)
    except Exception as error:  # whatever a stranger's file does
        raise FieldmarkError(
            f"{own.path} cannot be imported: {type(error).__name__}: {error}"
        ) from error
    return vars(module)
