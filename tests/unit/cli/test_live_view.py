import io
import time

from stepwell.cli.console import Console
from stepwell.cli.live_view import LiveView
from stepwell.cli.views import ViewOptions
from stepwell.model.ids import TaskKey
from stepwell.model.states import RunState, TaskState
from stepwell.model.task import ErrorInfo
from stepwell.runtime.events import (
    RunBegan,
    RunFinished,
    SplitOpened,
    StepPlanned,
    StepReused,
    TaskBegan,
    TaskEnded,
    TaskLine,
)


# SPEC 8.2-3
def test_the_last_picture_has_each_step_with_its_counts_and_the_output_above():
    out = io.StringIO()
    view = LiveView(Console(out, io.StringIO()), ViewOptions())
    key = TaskKey("F", "7", "a", "2")
    view.listen(RunBegan(at=1.0, flow="F", run="7", steps=("start", "a"), location="/x"))
    view.listen(SplitOpened(at=1.0, key=key.sibling("start", "1"), pid=1, target="a", num_splits=3))
    view.listen(TaskBegan(at=1.0, key=key, attempt=0, pid=2))
    view.listen(TaskLine(at=1.0, key=key, attempt=0, pid=2, stream="stdout", text="\x1b[1mhello\x1b[0m"))
    view.listen(TaskEnded(at=2.0, key=key, attempt=0, pid=2, state=TaskState.SUCCEEDED, seconds=1.0))
    view.listen(RunFinished(at=3.0, flow="F", run="7", state=RunState.FAILED, seconds=2.0, counts={}))
    text = out.getvalue()
    assert "[a/2] hello" in text
    assert "1 done, 2 waiting" in text
    assert text.index("[a/2] hello") < text.index("run failed (2.00 s)")


KEY = TaskKey("F", "7", "a", "2")


def picture(*events):
    """The last picture of a view that was told these events and then closed."""
    out = io.StringIO()
    view = LiveView(Console(out, io.StringIO()), ViewOptions())
    view.listen(RunBegan(at=1.0, flow="F", run="7", steps=("start", "a"), location="/x"))
    for event in events:
        view.listen(event)
    view.close()
    return out.getvalue()


def ended(state, **more):
    return TaskEnded(at=2.0, key=KEY, attempt=0, pid=2, state=state, seconds=1.0, **more)


# SPEC 6.1-3
def test_a_task_that_waits_for_its_retry_is_shown_with_the_time_even_if_it_is_the_only_one():
    failed = ended(TaskState.RETRYING, error=ErrorInfo("E", "no"), retry_at=3.0, why="retry 1 of 2")
    clock = time.strftime("%H:%M:%S", time.localtime(3.0))

    waiting = picture(TaskBegan(at=1.0, key=KEY, attempt=0, pid=2), failed)
    again = picture(failed, TaskBegan(at=4.0, key=KEY, attempt=1, pid=3))

    assert f"1 retrying at {clock}" in waiting and "retry 1 of 2" in waiting
    assert "1 running" in again and "retrying at" not in again


# SPEC 6.1-5
def test_a_task_that_was_caught_is_told_apart_from_those_that_went_well():
    text = picture(ended(TaskState.SUCCEEDED, caught="ValueError: odd"))

    assert "1 caught" in text and "1 done" not in text
    assert "caught ValueError: odd" in text


# SPEC 7.4-5
def test_what_is_reused_and_what_is_to_be_executed_is_told_with_the_reason():
    text = picture(
        StepReused(at=1.0, step="start", tasks=1, origin="3"),
        StepReused(at=1.0, step="a", tasks=5, origin="3"),
        StepPlanned(at=1.0, step="a", executed=2, known=9, why="not successful: 2 of 7 tasks"),
        ended(TaskState.SUCCEEDED),
    )

    assert "1 done, 5 reused, 3 waiting" in text
    assert "[a] 2 tasks to be executed again (not successful: 2 of 7 tasks)" in text


# SPEC 7.3-1
def test_what_a_run_had_executed_before_it_was_continued_is_done():
    assert "2 done" in picture(StepReused(at=1.0, step="start", tasks=2, origin="7"))
