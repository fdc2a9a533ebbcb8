"""Reading and writing files so that a reader never sees half of one.

Every write goes to a temporary name in the same folder, is flushed to disk, and is then renamed.
A process killed at any moment leaves either the old file, the new file, or a ``*.tmp`` file that
nothing reads.
"""

import errno
import hashlib
import json
import os
import secrets
import zipfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from classification.errors import FieldmarkError

_HASH_BLOCK = 1 << 20


@contextmanager
def atomic_path(path: Path, *, durable: bool = True) -> Iterator[Path]:
    """Yield a temporary path beside `path`; on success fsync it and rename it to `path`.

    Args:
        path: the file to be.
        durable: fsync. Without it a power cut, but not a killed process, may leave half a file:
            for a million small files whose hashes are recorded and checked.

    Raises:
        FieldmarkError: the disk is full or not writable; `path` is then as it was before.
    """
    # not mkstemp: its files are readable by their owner alone, and its calls cost a crop 0.3 ms
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}.tmp")
    begun = False
    try:
        if not path.parent.is_dir():
            path.parent.mkdir(parents=True, exist_ok=True)
        begun = True
        yield temporary
        if durable:
            _fsync(temporary)
        temporary.replace(path)
        begun = False
        if durable:
            _fsync(path.parent)
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EACCES, errno.EROFS):
            raise FieldmarkError(
                f"cannot write {path}: {os.strerror(error.errno)}. Nothing already written is "
                "lost: make room or mend the permissions, then run the same command again."
            ) from error
        raise
    finally:
        if begun:
            temporary.unlink(missing_ok=True)


@contextmanager
def atomic_open(path: Path, mode: str = "w") -> Iterator[IO[Any]]:
    """Open a file for writing that appears under `path` only when it is whole."""
    encoding = None if "b" in mode else "utf-8"
    newline = None if "b" in mode else ""
    with (
        atomic_path(path) as temporary,
        temporary.open(mode, encoding=encoding, newline=newline) as f,
    ):
        yield f
        f.flush()


def write_text(path: Path, text: str) -> None:
    """Write `text` as UTF-8, atomically."""
    with atomic_open(path) as f:
        f.write(text)


def write_secret(path: Path, text: str) -> None:
    """Write `text` so that at no moment anybody but the owner may read it."""
    with atomic_path(path) as temporary:
        handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "w", encoding="utf-8") as f:
            f.write(text)


def write_bytes(path: Path, data: bytes, *, durable: bool = True) -> None:
    """Write `data`, atomically; `durable` as in `atomic_path`."""
    with atomic_path(path, durable=durable) as temporary:
        temporary.write_bytes(data)


def write_json(path: Path, value: Any) -> None:
    """Write a JSON record, atomically. NaN and infinity are refused: they are not JSON."""
    write_text(path, json.dumps(value, indent=2, allow_nan=False, ensure_ascii=False) + "\n")


def read_json(path: Path, *, what: str) -> Any:
    """Read a JSON file; NaN, which LILA's files hold, becomes None.

    Args:
        path: file to read, or a zip that holds one JSON file, as LILA publishes them.
        what: what the file is to the user, for the error message.

    Raises:
        FieldmarkError: the file is missing or is not JSON.
    """
    try:
        text = _read_zipped(path) if path.suffix == ".zip" else path.read_text("utf-8-sig")
    except FileNotFoundError:
        raise FieldmarkError(f"{what} not found: {path}") from None
    except (OSError, UnicodeDecodeError, zipfile.BadZipFile) as error:
        raise FieldmarkError(f"{what} cannot be read: {path}: {error}") from error
    try:
        return json.loads(text, parse_constant=lambda _: None)
    except json.JSONDecodeError as error:
        raise FieldmarkError(f"{what} is not valid JSON: {path}: {error}") from error


def read_yaml(path: Path, *, what: str) -> Any:
    """Read a YAML file, or one of JSON, which is YAML; None where it is empty.

    Args:
        path: file to read, with or without a byte-order mark.
        what: what the file is to the user, for the error message.

    Raises:
        FieldmarkError: the file is missing or is not YAML.
    """
    import yaml

    try:
        return yaml.safe_load(path.read_text("utf-8-sig"))
    except FileNotFoundError:
        raise FieldmarkError(f"{what} not found: {path}") from None
    except OSError as error:
        raise FieldmarkError(f"{what} cannot be read: {path}: {error}") from error
    except (UnicodeDecodeError, yaml.YAMLError) as error:
        raise FieldmarkError(f"{what} is not valid YAML: {path}: {error}") from error


def _read_zipped(path: Path) -> str:
    with zipfile.ZipFile(path) as archive:
        members = [name for name in archive.namelist() if name.endswith(".json")]
        if len(members) != 1:
            raise FieldmarkError(f"{path} holds {len(members)} JSON files; one is expected")
        return archive.read(members[0]).decode("utf-8-sig")


def sha256_bytes(data: bytes) -> str:
    """Hex SHA-256 of `data`."""
    return hashlib.sha256(data).hexdigest()


def sha256_file(path: Path) -> str:
    """Hex SHA-256 of a file's content, read in blocks of 1 MiB."""
    digest = hashlib.sha256()
    with path.open("rb") as f:
        while block := f.read(_HASH_BLOCK):
            digest.update(block)
    return digest.hexdigest()


def sha256_lines(lines: Iterable[str]) -> str:
    """Hex SHA-256 of a sequence of strings, each ended by a newline."""
    digest = hashlib.sha256()
    for line in lines:
        digest.update(line.encode())
        digest.update(b"\n")
    return digest.hexdigest()


def _fsync(path: Path) -> None:
    if os.name == "nt" and path.is_dir():  # Windows cannot open a folder
        return
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
