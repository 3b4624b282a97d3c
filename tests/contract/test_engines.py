"""Every engine holds the promises of the port."""

import os
import subprocess
import sys

import pytest
from msgspec.structs import replace

from stepwell.engine.handle import TaskExited, TaskOutput
from stepwell.engines.inline import InlineEngine
from stepwell.engines.local.engine import LocalEngine
from stepwell.engines.local.portable import PortableEngine
from stepwell.model.policy import StepPolicy
from stepwell.model.task import GangPlace, TaskOutcome
from stepwell.testing.engine_contract import (
    INFO,
    EngineContract,
    ProcessContract,
    exit_of,
    gone,
    run_one,
    submit,
    text_of,
    until_exited,
    until_started,
)
from stepwell.testing.engine_deeds import deed, run_deed
from stepwell.testing.fake_engine import FakeEngine, FakeTask

PATH = f"import sys; sys.path[:] = {sys.path!r}\nfrom stepwell.testing.engine_deeds import run_deed\n"
SPAWN = [
    sys.executable,
    "-c",
    PATH + "from stepwell.engines.local.spawn import serve_spawned; serve_spawned(run_deed)",
]
ORDERED = [
    sys.executable,
    "-c",
    PATH + "from stepwell.engines.local.task_process import serve_ordered; serve_ordered(run_deed)",
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


# SPEC 9.1-8
class TestPortableEngine(EngineContract):
    @pytest.fixture
    def engine(self):
        engine = PortableEngine(ORDERED, 2, grace_s=60.0)
        engine.start(INFO)
        yield engine
        engine.close()

    def test_what_runs_is_ended_by_cancel(self, engine):
        asked, forced = submit(engine, deed("sleep", "1"), deed("sleep", "2"))
        until_started(engine, forced)
        engine.cancel([asked])
        engine.cancel([forced], force=True)

        reports = until_exited(engine, [asked, forced])

        assert all(exit_of(reports[one]).exit_code != 0 for one in (asked, forced))

    def test_nothing_survives_close(self, engine):
        (handle,) = submit(engine, deed("sleep"))
        pid = until_started(engine, handle).pid

        engine.close()

        assert gone(pid)

    def test_output_arrives_whole_in_bounded_pieces(self, engine):
        handle = submit(engine, deed("flood:10"))[0]

        reports = until_exited(engine, [handle])[handle]

        assert sum(len(one.data) for one in reports if isinstance(one, TaskOutput)) == 10 << 20
        assert isinstance(reports[-1], TaskExited)

    def test_a_daemon_that_keeps_the_output_open_does_not_hold_up_its_task(self, engine):
        reports = run_one(engine, deed("children:away"))
        for pid in text_of(reports).split():
            os.kill(int(pid), 9)

        assert exit_of(reports).exit_code == 0

    def test_a_task_past_its_time_limit_is_ended_and_that_is_told(self, engine):
        policy = StepPolicy(timeout_s=0.1, timeout_grace_s=0.1)
        (handle,) = engine.submit([(deed("sleep"), policy)])

        assert exit_of(until_exited(engine, [handle])[handle]).timed_out

    def test_variables_and_the_place_in_a_gang_are_in_the_environment(self, engine):
        policy = StepPolicy(variables=(("CONTRACT_COLOUR", "red"),))
        own = engine.submit([(deed("environment:CONTRACT_COLOUR", "1"), policy)])[0]
        place = GangPlace("2", 2, 1)
        of_gang = submit(engine, replace(deed("environment:MF_PARALLEL_NODE_INDEX", "2"), gang=place))[0]

        reports = until_exited(engine, [own, of_gang])

        assert (text_of(reports[own]), text_of(reports[of_gang])) == (b"red\n", b"1\n")


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


DYING_PORTABLE_RUN = PATH + (
    "import os, signal\n"
    "from stepwell.engines.local.portable import PortableEngine\n"
    "from stepwell.testing.engine_contract import INFO, submit, until_started\n"
    "from stepwell.testing.engine_deeds import deed\n"
    f"engine = PortableEngine({ORDERED!r}, 2)\n"
    "engine.start(INFO)\n"
    "(handle,) = submit(engine, deed('sleep'))\n"
    "print(until_started(engine, handle).pid, flush=True)\n"
    "os.kill(os.getpid(), signal.SIGKILL)\n"
)


# SPEC 9.1-8
def test_without_a_launcher_too_a_task_ends_with_a_killed_run_process():
    run = subprocess.run([sys.executable, "-c", DYING_PORTABLE_RUN], stdout=subprocess.PIPE, timeout=60)

    assert run.returncode == -9
    assert gone(int(run.stdout))


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
