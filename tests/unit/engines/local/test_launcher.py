import ctypes
import os
import signal
import sys
from contextlib import contextmanager

import pytest

from stepwell.engines.local.link import Link
from stepwell.engines.local.messages import Began, Begin, Launch, raw
from stepwell.testing.engine_contract import INFO
from stepwell.testing.engine_deeds import deed, run_deed

_PTRACE_SEIZE = 0x4206


@contextmanager
def held_by_a_debugger(pid: int, link: Link):
    """Have another process trace this one, so that its parent is told of its end only after that process."""
    told, tell = os.pipe()
    tracer = os.fork()
    if tracer == 0:
        link.control.close()  # the launcher shall see its end
        refused = ctypes.CDLL(None).ptrace(_PTRACE_SEIZE, pid, 0, 0)
        os.write(tell, b"no" if refused else b"yes")
        signal.pause()
        os._exit(0)
    try:
        if os.read(told, 3) != b"yes":
            pytest.skip("tracing processes is not permitted here")
        yield
    finally:
        os.kill(tracer, signal.SIGKILL)
        os.waitpid(tracer, 0)
        os.close(told)
        os.close(tell)


# SPEC 7.2-8
@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="debuggers trace otherwise there")
def test_a_launcher_does_not_wait_for_ever_for_a_task_that_cannot_be_ended():
    link = Link.forked(run_deed, None)
    link.send(Begin(INFO, 1, (), 0.0))
    nowhere = os.open(os.devnull, os.O_WRONLY)
    link.launch(Launch(1, raw(deed("sleep")), (), 0.0), (nowhere, nowhere))
    os.close(nowhere)
    began = None
    while not isinstance(began, Began):
        began = next(iter(link.receive()), None)

    with held_by_a_debugger(began.pid, link):
        status = link.close(patience_s=30)

    assert status == 0
