"""Several processes that resume into one run."""

import os
import socket
import sqlite3
import time
from contextlib import closing
from types import SimpleNamespace

import pytest

from stepwell.cli.reentrant import lead_or_follow
from stepwell.exceptions import StepwellNotFound
from stepwell.model.run import RunRecord
from stepwell.model.states import RunState
from stepwell.runtime.options import ResumeRun
from stepwell.settings.places import METADATA_FILE
from stepwell.settings.settings import Value
from stepwell.settings.sources import load_settings
from stepwell.wiring.stores import make_stores


# SPEC 9.3-2
def test_a_run_that_vanishes_from_the_index_is_not_followed_for_ever(tmp_path):
    settings = load_settings({"DATASTORE_ROOT": Value(str(tmp_path), "the test")})
    stores = make_stores(tmp_path, settings)
    now = time.time()
    led = RunRecord(
        flow="F", run="shared", state=RunState.RUNNING, user="ann", created_at=now, heartbeat_at=now,
        host=socket.gethostname(), pid=os.getpid(),
    )  # fmt: skip
    with closing(stores.metadata):
        stores.metadata.save_run(led)

    def forget(said):
        assert "is led by another process" in said
        with closing(sqlite3.connect(tmp_path / METADATA_FILE)) as index:
            index.execute("DELETE FROM runs")
            index.commit()

    context = SimpleNamespace(settings=settings, console=SimpleNamespace(talk=forget))
    asked = ResumeRun(origin="1", run_id="shared")

    with pytest.raises(StepwellNotFound, match="F/shared is no longer on record"):
        lead_or_follow(context, "F", asked, "shared", lambda _: 0, appears_within_s=0.1)
