"""``current`` in real runs."""


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
