"""What is said of a task whose process dies by a signal. SPEC 7.2-6."""

import pytest
from command_line import words

from stepwell.engine.handle import TaskExited, TaskHandle
from stepwell.model.ids import TaskKey
from stepwell.runtime.verdict import death_of


# SPEC 7.2-6
@pytest.mark.parametrize(
    ("body", "name", "cause"),
    [
        ("os.kill(os.getpid(), signal.SIGSEGV)", "signal 11 (SIGSEGV)", "Segmentation fault"),
        ("os.abort()", "signal 6 (SIGABRT)", "Aborted"),
        ("os.kill(os.getpid(), signal.SIGBUS)", "(SIGBUS)", "Bus error"),
        ("os.kill(os.getpid(), signal.SIGKILL)", "killed by signal 9 (SIGKILL)", "MiB"),
    ],
)
def test_the_signal_is_named_with_the_likely_cause_which_also_ends_the_log(folder, body, name, cause):
    folder.flow("print('its own last words', file=sys.stderr)", body)

    done = folder.run()

    assert done.returncode == 1
    last = done.stdout.splitlines()[-1]
    assert "run failed" in last and name in last and cause in words(done)
    log = folder.call("flow.py", "logs", "1/start", "--stderr").stdout.splitlines()
    assert log[0] == "its own last words"
    assert name in log[-1] and cause in log[-1]


# SPEC 7.2-6
def test_who_was_killed_for_want_of_memory_is_told_the_peak_and_what_to_state():
    handle = TaskHandle(TaskKey("F", "1", "start", "1"), 0)
    exited = TaskExited(handle, 1.0, None, signal=9, out_of_memory=True, max_rss_kib=300 * 1024)

    error = death_of(exited)

    assert error.type == "OutOfMemory" and "300 MiB" in error.message
    assert "@resources(memory=" in error.hint
