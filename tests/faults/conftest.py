"""Seeds and sums of the fault suite, and what its tests are given."""

import os
import random
from dataclasses import astuple

import pytest
from tally import Tally
from trial import Trial

SEED = os.environ.get("FAULT_SEED", "1")
_KEY = "faults"


def pytest_addoption(parser):
    parser.addoption("--least-faults", type=int, default=0, help="fail with fewer faults than this")


def pytest_configure(config):
    if not hasattr(config, "workerinput"):
        config.pluginmanager.register(Sum(config))


def pytest_report_header():
    return f"faults: FAULT_SEED={SEED}"


@pytest.fixture
def tally(request):
    """What the test adds to the sum of the stage."""
    own = Tally()
    yield own
    request.node.user_properties.append((_KEY, list(astuple(own))))


@pytest.fixture
def chance(request):
    """All chance of the test: the same seed and test have the same faults."""
    return random.Random(f"{SEED} {request.node.nodeid}")


@pytest.fixture
def trial(request, tmp_path, tally):
    """A folder of its own to disturb a flow in."""
    made = Trial(tmp_path, tally, f"FAULT_SEED={SEED} pytest '{request.node.nodeid}'")
    yield made
    made.clear_up()


class Sum:
    """Adds up what tests report, in the process that reports to the user."""

    def __init__(self, config):
        self._least = config.getoption("--least-faults", default=0)
        self._sum = Tally()

    def pytest_runtest_logreport(self, report):
        if report.when == "teardown":
            for name, value in report.user_properties:
                if name == _KEY:
                    self._sum.add(Tally(*value))

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionfinish(self, session):
        if self._sum.lost or self._sum.injected < self._least:
            session.exitstatus = session.exitstatus or pytest.ExitCode.TESTS_FAILED

    def pytest_terminal_summary(self, terminalreporter):
        if self._sum.injected or self._least:
            terminalreporter.section("faults")
            terminalreporter.line(f"FAULT_SEED={SEED}")
            if self._sum.injected < self._least:
                terminalreporter.line(f"too few faults: at least {self._least} are due", red=True)
            terminalreporter.line(str(self._sum))
