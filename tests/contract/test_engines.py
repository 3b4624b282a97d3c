"""Every engine holds the promises of the port."""

import os
import subprocess
import sys

import pytest

from stepwell.engines.inline import InlineEngine
from stepwell.engines.local.engine import LocalEngine
from stepwell.model.task import TaskOutcome
from stepwell.testing.engine_contract import INFO, EngineContract, ProcessContract, gone
from stepwell.testing.engine_deeds import run_deed
from stepwell.testing.fake_engine import FakeEngine, FakeTask

PATH = f"import sys; sys.path[:] = {sys.path!r}\nfrom stepwell.testing.engine_deeds import run_deed\n"
SPAWN = [
    sys.executable,
    "-c",
    PATH + "from stepwell.engines.local.spawn import serve_spawned; serve_spawned(run_deed)",
]
LAUNCH = [
    sys.executable,
    "-c",
    PATH + "from stepwell.engines.local.launcher_start import serve_launcher; serve_launcher(run_deed)",
]


def _launcher(variables):
    return LAUNCH, {**os.environ, **dict(variables)}


class TestForkingEngine(ProcessContract):
    @pytest.fixture
    def engine(self):
        engine = LocalEngine(run_deed, 2, launcher_command=_launcher)
        engine.start(INFO)
        yield engine
        engine.close()


def _as_on_an_old_kernel():
    # Runs in the launcher's own process, which then has no descriptors for processes.
    if hasattr(os, "pidfd_open"):
        del os.pidfd_open


class TestForkingEngineWithoutPidfds(ProcessContract):
    @pytest.fixture
    def engine(self):
        engine = LocalEngine(run_deed, 2, launcher_command=_launcher, preload=_as_on_an_old_kernel)
        engine.start(INFO)
        yield engine
        engine.close()


class TestSpawningEngine(ProcessContract):
    @pytest.fixture
    def engine(self):
        engine = LocalEngine(run_deed, 2, isolation="spawn", spawn_command=SPAWN)
        engine.start(INFO)
        yield engine
        engine.close()


class TestInlineEngine(EngineContract):
    @pytest.fixture
    def engine(self):
        engine = InlineEngine(run_deed)
        engine.start(INFO)
        yield engine
        engine.close()


def _as_scripted(request):
    name, _, argument = request.key.step.partition(":")
    code = int(argument or 0)
    outcome = TaskOutcome(ok=code == 0, started_at=1.0, ended_at=2.0, label=request.key.task)
    output = (
        (("stdout", b"out 1\nout 2\nprinted\n"), ("stderr", b"err \xff\xfe\n")) if name == "write" else ()
    )
    return FakeTask(output=output, outcome=outcome, exit_code=code)


class TestFakeEngine(EngineContract):
    @pytest.fixture
    def engine(self):
        engine = FakeEngine(_as_scripted)
        engine.start(INFO)
        yield engine
        engine.close()


DYING_RUN = PATH + (
    "import os, signal\n"
    "from stepwell.engines.local.engine import LocalEngine\n"
    "from stepwell.testing.engine_contract import INFO, run_one, submit, text_of, until_started\n"
    "from stepwell.testing.engine_deeds import deed\n"
    "engine = LocalEngine(run_deed, 2)\n"
    "engine.start(INFO)\n"
    "pids = text_of(run_one(engine, deed('children:away'))).decode().split()\n"
    "(handle,) = submit(engine, deed('sleep'))\n"
    "print(engine.launcher_pid, until_started(engine, handle).pid, *pids, flush=True)\n"
    "os.kill(os.getpid(), signal.SIGKILL)\n"
)


# SPEC 7.2-5
def test_nothing_survives_a_killed_run_process():
    run = subprocess.run([sys.executable, "-c", DYING_RUN], stdout=subprocess.PIPE, timeout=60)

    pids = run.stdout.split()

    assert run.returncode == -9
    assert len(pids) == 4
    assert all(gone(int(pid)) for pid in pids)
