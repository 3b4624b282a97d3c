import io
import json
import re

from stepwell.cli.console import Console
from stepwell.cli.json_lines import JsonLines
from stepwell.cli.progress_lines import ProgressLines
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

LINE = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3} \[(?P<name>[^ ]+) \(pid \d+\)\] (?P<text>.*)")


def key(step, task=1):
    return TaskKey("F", "7", step, str(task))


def begun(step, task=1, **more):
    return TaskBegan(at=1.5, key=key(step, task), pid=42, **{"attempt": 0, **more})


def ended(step, task=1, state=TaskState.SUCCEEDED, **more):
    return TaskEnded(at=2.0, key=key(step, task), attempt=0, pid=42, state=state, seconds=0.5, **more)


def printed(step, text):
    return TaskLine(at=1.6, key=key(step), attempt=0, pid=42, stream="stdout", text=text)


BEGAN = RunBegan(at=1.0, flow="F", run="7", steps=("start", "end"), location="/x")
FINISHED = RunFinished(
    at=3.0, flow="F", run="7", state=RunState.SUCCEEDED, seconds=2.0, counts={"succeeded": 2}
)


def lines_of(*events, **options):
    out = io.StringIO()
    view = ProgressLines(Console(out, io.StringIO()), ViewOptions(**options))
    for event in events:
        view.listen(event)
    found = [LINE.fullmatch(line) for line in out.getvalue().splitlines()]
    assert all(found), out.getvalue()
    return [(match["name"], match["text"]) for match in found]


# SPEC 8.2-1
# SPEC 8.2-2
def test_a_run_is_told_in_the_fixed_words():
    told = lines_of(BEGAN, begun("start"), printed("start", "hi"), ended("start"), FINISHED)
    assert told == [
        ("7", "run started (run-id 7)"),
        ("7/start/1", "task started"),
        ("7/start/1", "hi"),
        ("7/start/1", "task succeeded (0.50 s)"),
        ("7", "run succeeded (2.00 s; tasks: 2 succeeded)"),
    ]


def test_a_retry_is_told_with_its_attempt():
    assert lines_of(begun("start", attempt=1)) == [("7/start/1", "task started (attempt 1)")]


# SPEC 8.2-1
def test_a_failure_shows_the_item_the_frames_and_the_exception():
    error = ErrorInfo(type="ValueError", message="bad", frames='  File "f.py", line 3\nValueError: bad\n')
    failed = ended("a", state=TaskState.FAILED, error=error, index_path=(3,), label="'x'")
    texts = [text for _, text in lines_of(failed)]
    assert texts == ["task failed after 0.50 s for item [3] 'x'", '  File "f.py", line 3', "ValueError: bad"]


# SPEC 8.2-4
def test_a_wide_step_is_counted_and_what_its_tasks_print_stays():
    opened = SplitOpened(at=1.0, key=key("start"), pid=1, target="a", num_splits=60)
    tasks = [event for task in range(60) for event in (begun("a", task), ended("a", task))]
    told = lines_of(BEGAN, opened, printed("a", "seen"), *tasks)
    assert [text for name, text in told if name.startswith("7/a")] == ["seen", "60 of 60 tasks succeeded"]


# SPEC 8.2-4
def test_verbose_lists_every_task_of_a_wide_step():
    opened = SplitOpened(at=1.0, key=key("start"), pid=1, target="a", num_splits=60)
    told = lines_of(opened, *[begun("a", task) for task in range(60)], verbose=True)
    assert len(told) == 61


# SPEC 8.2-4
def test_a_failure_in_a_wide_step_is_never_only_counted():
    opened = SplitOpened(at=1.0, key=key("start"), pid=1, target="a", num_splits=60)
    error = ErrorInfo(type="ValueError", message="bad")
    told = lines_of(opened, ended("a", 9, state=TaskState.FAILED, error=error))
    assert told[1:] == [("7/a/9", "task failed after 0.50 s"), ("7/a/9", "ValueError: bad")]


# SPEC 8.2-4
def test_output_of_steps_that_were_not_asked_for_is_left_out():
    shown = frozenset({"end"})
    assert lines_of(printed("start", "no"), printed("end", "yes"), show_logs=shown) == [("7/end/1", "yes")]


# SPEC 8.2-2
def test_quiet_leaves_what_tasks_print_and_errors():
    error = ErrorInfo(type="ValueError", message="bad")
    failed = ended("start", state=TaskState.FAILED, error=error)
    told = lines_of(BEGAN, begun("start"), printed("start", "hi"), failed, FINISHED, quiet=True)
    assert [text for _, text in told] == ["hi", "task failed after 0.50 s", "ValueError: bad"]


# SPEC 8.2-5
def test_json_has_one_object_a_line():
    out = io.StringIO()
    view = JsonLines(Console(out, io.StringIO()), ViewOptions())
    view.listen(BEGAN)
    view.listen(begun("start"))
    kinds = [json.loads(line)["event"] for line in out.getvalue().splitlines()]
    assert kinds == ["run_started", "task_started"]


def test_the_first_failed_task_is_remembered_for_the_hints():
    view = JsonLines(Console(io.StringIO(), io.StringIO()), ViewOptions())
    error = ErrorInfo(type="ValueError", message="bad")
    view.listen(ended("a", 1, state=TaskState.RETRYING, error=error))
    view.listen(ended("a", 2, state=TaskState.FAILED, error=error))
    view.listen(ended("a", 3, state=TaskState.FAILED, error=error))
    assert view.failed == key("a", 2)


def test_a_traceback_that_the_task_has_printed_is_not_shown_twice():
    error = ErrorInfo(
        type="ValueError", message="bad", frames="Traceback\nValueError: bad\n", hint="Mend it."
    )
    failed = ended("start", state=TaskState.FAILED, error=error, told=True)
    events = (printed("start", "ValueError: bad"), printed("start", "something else"), failed)
    texts = [text for _, text in lines_of(*events)]
    assert texts == ["ValueError: bad", "something else", "task failed after 0.50 s", "Mend it."]
    hidden = [text for _, text in lines_of(*events, show_logs=frozenset({"end"}))]
    assert hidden == ["task failed after 0.50 s", "Traceback", "ValueError: bad", "Mend it."]
    hidden = lines_of(printed("start", "ValueError: bad"), failed, show_logs=frozenset())
    assert "ValueError: bad" in [text for _, text in hidden]


# SPEC 6.1-5
def test_what_is_caught_in_a_wide_step_is_never_only_counted():
    opened = SplitOpened(at=1.0, key=key("start"), pid=1, target="a", num_splits=60)
    tasks = [ended("a", task, caught="E: odd" if task == 3 else "") for task in range(60)]

    told = [text for name, text in lines_of(BEGAN, opened, *tasks) if name.startswith("7/a")]

    assert told == ["task succeeded (0.50 s); caught E: odd", "60 of 60 tasks succeeded"]


# SPEC 7.4-5
# SPEC 8.2-4
def test_a_wide_step_that_goes_on_counts_what_is_reused_and_all_that_there_is():
    reused = StepReused(at=1.0, step="a", tasks=70, origin="7")
    planned = StepPlanned(at=1.0, step="a", executed=5, known=100, why="not successful: 5 of 75 tasks")
    tasks = [event for task in range(30) for event in (begun("a", task), ended("a", task))]

    told = [text for name, text in lines_of(BEGAN, reused, planned, *tasks) if name.startswith("7/a")]

    assert told == [
        "70 tasks had succeeded",
        "5 tasks to be executed again (not successful: 5 of 75 tasks)",
        "100 of 100 tasks succeeded",
    ]


# SPEC 8.2-1
def test_one_of_a_kind_is_told_in_the_singular():
    told = lines_of(SplitOpened(at=1.0, key=key("start"), pid=1, target="a", num_splits=1))
    assert [text for _, text in told] == ["foreach opened: 1 split, each a task of step a"]
