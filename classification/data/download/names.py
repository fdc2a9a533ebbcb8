"""Where a file of the outside world may lie inside the output folder."""

import re

MAX_PART = 240  # bytes; file systems allow 255, the temporary name takes 15
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_DRIVE = re.compile(r"^[A-Za-z]:")


class UnsafeNameError(ValueError):
    """A name that must not be written; the message says why."""


def safe_path(name: str) -> str:
    """`name` as a relative POSIX path that stays inside the folder it is joined to.

    Back slashes become slashes, doubled slashes and ``.`` parts vanish.

    Raises:
        UnsafeNameError: empty, absolute, a drive letter, ``..``, control characters, a part that
            no file system takes.
    """
    if _CONTROL.search(name):
        raise UnsafeNameError("control character")
    path = name.replace("\\", "/")
    if path.startswith("/") or _DRIVE.match(path):
        raise UnsafeNameError("absolute path")
    parts = [part for part in path.split("/") if part not in ("", ".")]
    if ".." in parts:
        raise UnsafeNameError("leaves the folder with '..'")
    if not parts or path.endswith("/"):
        raise UnsafeNameError("no file name")
    try:
        if any(len(part.encode()) > MAX_PART for part in parts):
            raise UnsafeNameError(f"a part longer than {MAX_PART} bytes")
    except UnicodeEncodeError:
        raise UnsafeNameError("not valid Unicode") from None
    return "/".join(parts)
