"""``current`` in real runs."""

from command_line import words

from stepwell.client import Run
from stepwell.client.scope import Connection, Scope


# SPEC 11.3-1
# SPEC 11.3-2
def test_current_tells_a_task_where_it_is_also_in_threads(flows):
    ran = flows.run(
        """
import threading

OUTSIDE = [current.is_running_flow, current.run_id, current.get("task_id", "none"), current.retry_count]

class F(FlowSpec):
    size = Parameter("size", default=1)

    @step
    def start(self):
        self.outside = OUTSIDE
        self.next(self.work, foreach=["a"])

    @step
    def work(self):
        self.plain = {
            name: getattr(current, name)
            for name in (
                "is_running_flow", "flow_name", "run_id", "step_name", "task_id", "retry_count",
                "origin_run_id", "pathspec", "namespace", "username", "parameter_names", "is_parallel",
            )
        }
        self.tags = sorted(current.tags)
        self.graph = sorted(current.graph["steps"])
        self.got = ["run_id" in current, "nonsense" in current]
        self.got += [current.get("nonsense", 3), current.get("run_id")]
        self.objects = [current.run.pathspec, current.task.pathspec, sorted(current.run.user_tags)]
        self.temp = current.tempdir
        self.errors = []
        for name in ("card", "checkpoint", "nonsense"):
            try:
                getattr(current, name)
            except AttributeError as error:
                self.errors.append(str(error))
        try:
            current.run_id = 3
        except AttributeError as error:
            self.errors.append(str(error))
        heard = []
        thread = threading.Thread(target=lambda: heard.append(current.pathspec))
        thread.start()
        thread.join()
        self.heard = heard
        self.next(self.join)

    @step
    def join(self, inputs):
        self.merge_artifacts(inputs)
        self.next(self.end)

    @step
    def end(self):
        pass
    """,
        "--tag",
        "nice",
    )
    assert ran.code == 0, ran.output
    end = ran.values("end")
    task = ran.tasks("work")[0].key
    assert end["outside"] == [False, None, "none", 0]
    assert end["plain"] == {
        "is_running_flow": True, "flow_name": "F", "run_id": "1", "step_name": "work", "task_id": task.task,
        "retry_count": 0, "origin_run_id": None, "pathspec": task.pathspec, "namespace": "user:tester",
        "username": "tester", "parameter_names": ["size"], "is_parallel": False,
    }  # fmt: skip
    assert end["tags"] == ["nice"]
    assert end["graph"] == ["end", "join", "start", "work"]
    assert end["got"] == [True, False, 3, "1"]
    assert end["temp"]
    assert end["objects"] == ["F/1", task.pathspec, ["nice"]]
    assert end["heard"] == [task.pathspec]
    assert "@card" in end["errors"][0] and "@checkpoint" in end["errors"][1]
    assert "no attribute 'nonsense'" in end["errors"][2]
    assert "read-only" in end["errors"][3]


NOTES = """
from stepwell import FlowSpec, current, resources, step

class Notes(FlowSpec):
    @resources(cpu=2, memory=500)
    @step
    def start(self):
        self.granted = [current.resources.cpu, current.resources.memory_mb, current.resources.gpu]
        self.rest = [current.iteration, current.attempt_deadline]
        current.log(rows=5, source="\u00e9t\u00e9")
        for epoch, loss in enumerate([0.9, 0.5, 0.25]):
            current.metric("loss", loss, step=epoch * 10)
        for value in (float("nan"), 2, 1):
            current.metric("odd", value)
        current.metric("once", 1)
        self.next(self.end)

    @step
    def end(self):
        current.log(done=False)
        current.log(bad=object())

if __name__ == "__main__":
    Notes()
"""


# SPEC 11.3-3
def test_facts_and_series_of_a_task_are_shown_and_read_by_the_client(folder):
    folder.file(NOTES)

    done = folder.run()

    assert done.returncode == 1
    assert "`current.log(bad=...)` takes what JSON can hold" in words(done)
    shown = words(folder.call("flow.py", "show", "latest/start/1"))
    assert 'fact      source = "\u00e9t\u00e9"' in shown
    assert "metric    loss = 0.25 at step 20 (from 0.25 to 0.9)" in shown
    assert "metric    odd = 1 at step 2 (from 1 to 2)" in shown
    assert "metric    once = 1 at step 0\n" in shown
    scope = Scope(Connection(f"local@{folder.root}"))
    start, end = (Run("Notes/1", at=scope)[name].task for name in ("start", "end"))
    assert start.facts == {"rows": 5, "source": "\u00e9t\u00e9"}
    assert [(point.step, point.value) for point in start.metrics["loss"]] == [(0, 0.9), (10, 0.5), (20, 0.25)]
    assert (end.facts, end.metrics) == ({"done": False}, {})
    assert (start.data.granted, start.data.rest) == ([2, 500, None], [0, None])
