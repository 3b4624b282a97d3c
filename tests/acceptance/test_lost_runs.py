"""A run whose process is gone without a word, as the command line shows it."""

import socket
import subprocess
import sys

import pytest

from stepwell.metadata_stores.sqlite import SqliteMetadata
from stepwell.model.run import RunRecord
from stepwell.model.states import RunState
from stepwell.settings.sources import load_settings
from stepwell.wiring import METADATA_FILE, make_stores


@pytest.mark.parametrize("command", [("runs",), ("show", "Gone/1")])
def test_a_run_whose_process_is_gone_is_shown_and_recorded_as_lost(tmp_path, command):  # SPEC 12.4-3
    root = tmp_path / ".stepwell"
    make_stores(root, load_settings()).metadata.close()
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    record = RunRecord(
        flow="Gone", run="1", state=RunState.RUNNING, user="ada", created_at=1e9, heartbeat_at=1e9,
        host=socket.gethostname(), pid=ended.pid, pid_started=1.0,
    )  # fmt: skip
    store = SqliteMetadata(root / METADATA_FILE)
    store.save_run(record)

    said = subprocess.run(
        [sys.executable, "-m", "stepwell", "--datastore-root", str(root), *command],
        capture_output=True, text=True, check=True,
    )  # fmt: skip

    assert "lost" in said.stdout
    found = store.run("Gone", "1")
    assert found is not None and found.state is RunState.LOST
    store.close()
