"""What all tests share: no test sees the configuration or the datastore of whoever runs it."""

import os
import signal
import sys

import pytest

# Commands that tests start keep their bytecode, as those of users do: else each compiles all again.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.dont_write_bytecode = False


@pytest.fixture(autouse=True)
def _own_surroundings(monkeypatch, tmp_path_factory):
    """Take the user's ``STEPWELL_*`` variables away and give the process a home of its own."""
    for name in [name for name in os.environ if name.startswith("STEPWELL_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("STEPWELL_HOME", str(tmp_path_factory.getbasetemp() / "home"))
    monkeypatch.setenv("STEPWELL_USER", "tester")
    yield
    session = sys.modules.get("stepwell.client.session")
    if session is not None:  # what a test has chosen in this process holds for no other
        session.default_namespace()
        session.default_metadata()


@pytest.fixture(scope="session")
def postgres_server(tmp_path_factory):
    """A real server, started when the first test of this process needs it."""
    from postgres import serving

    with serving(tmp_path_factory.mktemp("postgres")) as server:
        yield server


@pytest.fixture
def database(postgres_server):
    """The address of a database of the test's own."""
    name = postgres_server.new_database()
    yield postgres_server.address(name)
    postgres_server.do(f"DROP DATABASE {name} WITH (FORCE)")


def pytest_configure():
    """Take Ctrl-C as programs in the foreground do, also where the tests were started in the background.

    A shell has background programs ignore it, and what they start inherits that.
    """
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
