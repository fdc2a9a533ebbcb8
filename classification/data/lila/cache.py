"""What LILA publishes about its datasets, fetched once and kept."""

import shutil
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from threading import Event
from urllib.parse import unquote, urlsplit

from tqdm import tqdm

from classification.data.download.fetch import Patience, Settler
from classification.data.download.items import Item
from classification.data.download.web import Web
from classification.errors import FieldmarkError
from classification.files import atomic_path
from classification.paths import LilaPaths


class Cache:
    """Files by address. An address without ``://`` is a local file and is used where it lies."""

    def __init__(self, root: Path, *, web: Web, refresh: bool = False) -> None:
        """Keep files under `root`; with `refresh` they are fetched again, once per run."""
        self._paths, self._web, self._refresh = LilaPaths(root), web, refresh
        self._fresh: set[Path] = set()

    def get(self, addresses: Sequence[str], *, what: str, folder: str = "") -> Path:
        """The file at the first of `addresses` that answers, as published.

        Args:
            addresses: mirrors of one file.
            what: what the file is to the user, for messages.
            folder: subfolder of the cache, for names that several datasets use.

        Raises:
            FieldmarkError: no address gives the file, or it is not what its name says.
        """
        if not addresses:
            raise FieldmarkError(f"no address is published for the {what}")
        if "://" not in addresses[0]:
            return _local(Path(addresses[0]), what=what)
        name = PurePosixPath(unquote(urlsplit(addresses[0]).path)).name
        paths = self._paths
        target = paths.metadata(folder, name) if folder else paths.published(name)
        if not target.exists() or (self._refresh and target not in self._fresh):
            self._fetch(addresses, target, what=what)
            self._fresh.add(target)
        return target

    def unzipped(self, path: Path, *, what: str) -> Path:
        """`path` itself, or beside it the one JSON or CSV file that the zip holds."""
        if path.suffix.lower() != ".zip":
            return path
        with open_zip(path, what=what) as (archive, member):
            suffix = PurePosixPath(member).suffix  # x.zip and x.json.zip both give x.json
            target = path.with_name(path.stem.removesuffix(suffix) + suffix)
            if not target.exists() or target.stat().st_mtime_ns < path.stat().st_mtime_ns:
                with (
                    atomic_path(target) as temporary,
                    archive.open(member) as f,
                    temporary.open("wb") as out,
                ):
                    shutil.copyfileobj(f, out, 1 << 20)
        return target

    def _fetch(self, addresses: Sequence[str], target: Path, *, what: str) -> None:
        with tqdm(unit="B", unit_scale=True, desc=target.name, disable=None) as bar:
            settler = Settler(
                target.parent, web=self._web, patience=Patience(), stop=Event(), on_bytes=bar.update
            )
            record = settler.fetch(Item(path=target.name, addresses=tuple(addresses)))
        if not record.ok:
            raise FieldmarkError(
                f"the {what} cannot be fetched from any of {', '.join(addresses)}: "
                f"{record.reason} ({record.detail}). Give another address, or a local file."
            )
        with target.open("rb") as f:
            start = f.read(64).lstrip()
        if start.startswith(b"<") or (target.suffix == ".zip" and not zipfile.is_zipfile(target)):
            target.unlink()
            raise FieldmarkError(
                f"{record.source} does not give the {what} but an error page or a broken zip "
                f"(it starts {start[:20]!r}). Try again, or give another address or a local file."
            )


@contextmanager
def open_zip(path: Path, *, what: str) -> Iterator[tuple[zipfile.ZipFile, str]]:
    """A zip archive and the name of the one JSON or CSV file in it.

    Raises:
        FieldmarkError: broken, here or while it is read, or not exactly one file.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            names = [n for n in archive.namelist() if "__MACOSX" not in n]
            found = [n for n in names if n.lower().endswith((".json", ".csv"))]
            if len(found) != 1:
                raise FieldmarkError(
                    f"the {what} {path} holds {len(found)} JSON or CSV files, not one"
                )
            yield archive, found[0]
    except (zipfile.BadZipFile, zlib.error, EOFError) as error:
        raise FieldmarkError(
            f"the {what} {path} is not a whole zip ({error}): delete it, and the same command "
            "fetches it again"
        ) from error


def _local(path: Path, *, what: str) -> Path:
    if not path.is_file():
        raise FieldmarkError(f"{what} not found: {path}")
    return path
