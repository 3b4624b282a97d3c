"""Joins in real runs."""

# SPEC 2.5-1
# SPEC 2.5-2
# SPEC 2.5-3
# SPEC 2.5-5
# SPEC 2.5-6
# SPEC 2.5-7
STATIC = """
import time

class F(FlowSpec):
    given = Parameter("given", default=[1], type=JSONType)
    FIXED = "c"

    @step
    def start(self):
        self.common = "same"
        self.next(self.slow, self.count, self.split_task)

    @step
    def slow(self):
        time.sleep(0.1)
        self.only_slow = self._hidden = 1
        self.x = "slow"
        self.next(self.slower)

    @step
    def slower(self):
        self.next(self.join)

    @step
    def count(self):
        self.x = "count"
        self.next(self.join)

    @step
    def split_task(self):
        self.x = "third"
        self.next(self.join)

    @step
    def join(self, inputs):
        self.order = [one.x for one in inputs] + [inputs[-1].x, inputs[0].x]
        self.named = [inputs.slow.x, inputs.slower.x, inputs.count.x, inputs.split_task.x]
        self.slices = [one.x for one in inputs[1:]] + [one.x for one in reversed(inputs)]
        self.none_before = [hasattr(self, "common"), self.given, self.FIXED]
        self.errors = []
        try:
            self.merge_artifacts(inputs)
        except Exception as error:
            self.errors.append([type(error).__name__, error.artifact_names, hasattr(self, "common")])
        try:
            self.merge_artifacts(inputs, include=["nope", "order", "common"])
        except Exception as error:
            self.errors.append([type(error).__name__, error.artifact_names, hasattr(self, "common")])
        try:
            inputs.slow.x = 1
        except AttributeError as error:
            self.errors.append(str(error))
        self.x = "mine"
        self.merge_artifacts(inputs, exclude=["only_slow"])
        self.next(self.end)

    @step
    def end(self):
        pass
"""


def test_a_static_join_sees_its_branches_by_order_and_name_and_merges_what_they_agree_on(flows):
    ran = flows.run(STATIC)
    assert ran.code == 0, ran.output
    end = ran.values("end")
    assert end["order"] == ["slow", "count", "third", "third", "slow"]
    assert end["named"] == ["slow", "slow", "count", "third"]
    assert end["slices"] == ["count", "third", "third", "count", "slow"]
    assert end["none_before"] == [False, [1], "c"]
    assert end["errors"][:2] == [
        ["UnhandledInMergeArtifactsException", ["x"], False],
        ["MissingInMergeArtifactsException", ["nope"], False],
    ]
    assert "read-only" in end["errors"][2]
    assert (end["x"], end["common"], end["_hidden"]) == ("mine", "same", 1)
    assert "only_slow" not in end


# SPEC 1.3-6
def test_reading_what_a_join_dropped_names_the_join_and_the_ways_out(flows):
    ran = flows.run("""
class F(FlowSpec):
    @step
    def start(self):
        self.next(self.a, self.b)

    @step
    def a(self):
        self.next(self.join)

    @step
    def b(self):
        self.score = 1
        self.next(self.join)

    @step
    def join(self, inputs):
        self.next(self.after)

    @step
    def after(self):
        self.total = 3
        self.next(self.end)

    @step
    def end(self):
        try:
            self.totl
        except AttributeError as error:
            print(error)
        self.score
    """)
    assert ran.code == 1
    assert "step 'end' of flow F has no artifact 'totl'. Did you mean 'total'?" in ran.stdout
    assert "cannot see 'score': the join 'join' did not take it over" in ran.stdout
    assert "self.merge_artifacts(inputs)" in ran.stdout
    assert "self.score = inputs.<step>.score" in ran.stdout
    assert ran.stdout.count("File ") == 1  # the user's line, none of ours
