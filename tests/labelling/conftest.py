"""A label store to test with: a file, and a PostgreSQL server of the test's own where there is one.

The server listens on a socket in a temporary folder only. It refuses to run as root, so root hands
it to the account `postgres` that Debian's package made.
"""

import os
import pwd
import shutil
import subprocess
import tempfile
import uuid
from pathlib import Path

import pytest

from classification.labelling.store import LabelStore

DEBIAN = sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)


def _program(name: str) -> str | None:
    return shutil.which(name, path=os.pathsep.join([*map(str, DEBIAN), os.environ["PATH"]]))


@pytest.fixture(scope="session")
def postgres_server():
    """Address of a running server, or a skip with the reason."""
    programs = [_program(name) for name in ("initdb", "pg_ctl")]
    if None in programs:
        pytest.skip("PostgreSQL is not installed here (Debian: apt-get install postgresql)")
    initdb, pg_ctl = programs
    account = "postgres" if os.geteuid() == 0 else pwd.getpwuid(os.geteuid()).pw_name
    try:
        pwd.getpwnam(account)
    except KeyError:
        pytest.skip("PostgreSQL refuses to run as root and there is no account `postgres`")
    # a short path: the socket's may not exceed 107 bytes
    folder = Path(tempfile.mkdtemp(prefix="pg", dir="/tmp"))
    shutil.chown(folder, account)

    def do(*command: str) -> None:
        user = {"user": account, "group": account} if os.geteuid() == 0 else {}
        options = {"cwd": folder, "env": {"LC_ALL": "C", "PATH": os.environ["PATH"]}}
        with (folder.parent / f"{folder.name}.out").open("w") as out:
            subprocess.run(command, check=True, stdout=out, stderr=out, **options, **user)

    data = str(folder / "data")
    settings = f"-c listen_addresses= -c unix_socket_directories={folder} -c fsync=off"
    do(initdb, "-D", data, "-A", "trust", "-U", "label", "-E", "UTF8", "--no-sync")
    do(pg_ctl, "-D", data, "-w", "-l", str(folder / "log"), "-o", settings, "start")
    yield f"postgresql+psycopg://label@/postgres?host={folder}"
    do(pg_ctl, "-D", data, "-m", "immediate", "-w", "stop")
    shutil.rmtree(folder)
    (folder.parent / f"{folder.name}.out").unlink()


@pytest.fixture
def postgres_address(postgres_server):
    """Address of an empty database of the test's own."""
    psycopg = pytest.importorskip("psycopg", reason="the extra postgres is not installed")
    from sqlalchemy.engine import make_url

    url = make_url(postgres_server)
    name = f"labels_{uuid.uuid4().hex}"
    with psycopg.connect(f"user=label dbname=postgres host={url.query['host']}") as connection:
        connection.autocommit = True
        connection.execute(f'CREATE DATABASE "{name}"')
    return url.set(database=name).render_as_string()


@pytest.fixture(params=["sqlite", "postgresql"])
def address(request, tmp_path):
    """Where a store can be, on each database that is tested."""
    if request.param == "sqlite":
        return tmp_path / "run" / "labels.db"
    return request.getfixturevalue("postgres_address")


@pytest.fixture
def store(address):
    return LabelStore(address)
