import io

from stepwell.cli.console import Console
from stepwell.cli.live_view import LiveView
from stepwell.cli.views import ViewOptions
from stepwell.model.ids import TaskKey
from stepwell.model.states import RunState, TaskState
from stepwell.runtime.events import RunBegan, RunFinished, SplitOpened, TaskBegan, TaskEnded, TaskLine


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
