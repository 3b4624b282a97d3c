"""What steps set on ``self``, in real runs."""

# SPEC 1.2-2
# SPEC 1.2-4
# SPEC 1.2-5
# SPEC 1.3-1
# SPEC 1.3-2
# SPEC 1.3-3
# SPEC 1.3-4
# SPEC 1.3-5
# SPEC 1.3-7
# SPEC 1.3-8
CHAIN = """
import itertools, os

COUNT = itertools.count()

class Once:
    "Loading one leaves a trace."
    def __setstate__(self, state):
        self.__dict__.update(state)
        if os.path.exists("loads"):
            with open("loads", "a") as file:
                file.write(f"{os.getpid()}\\n")

class F(FlowSpec):
    BORN = [next(COUNT), os.getpid()]
    _cache = None

    def helper(self):
        return "help"

    @property
    def twice(self):
        return 2 * self.number

    @step
    def start(self):
        open("loads", "w").close()
        self.number = 1
        self.items = {"keys": 1}
        self.keys = "k"
        self._private = "p"
        self._cache = "filled"
        self.__mangled = "m"
        self.once = Once()
        self.once.x = 5
        self.grown = [1]
        self.gone = "soon"
        self.BORN.append("changed in place")
        self.seen = [self.name, self.script_name, str(self), [one.name for one in self], self.twice]
        self.next(self.left, self.right)

    @step
    def left(self):
        self.grown.append("left")
        self.read = [self.once is self.once, self.once.x, self._cache, self.helper()]
        del self.gone
        self.after = [hasattr(self, "gone"), getattr(self, "gone", "default"), hasattr(self, "never")]
        self.next(self.later)

    @step
    def later(self):
        self.sees = [hasattr(self, "gone"), self.BORN, self._F__mangled, self.grown]
        self.next(self.meet)

    @step
    def right(self):
        self.number = 2
        self.sees = [self.gone, self.grown, self.twice]
        self.next(self.meet)

    @step
    def meet(self, inputs):
        self.loaded_from = [inputs.left.grown, inputs.right.grown, inputs.left._private]
        self.next(self.end)

    @step
    def end(self):
        pass
"""


def test_artifacts_follow_the_lineage_and_are_stored_where_they_change(flows):
    ran = flows.run(CHAIN)
    assert ran.code == 0, ran.output

    start, left, later, right = (ran.values(name) for name in ("start", "left", "later", "right"))
    born = start["BORN"]
    assert born[0] == 0 and len(born) == 2
    assert start["seen"] == [
        "F", "flow.py", "<flow F step start>", ["start", "left", "later", "right", "meet", "end"], 2
    ]  # fmt: skip
    assert (start["items"], start["keys"], start["_private"], start["grown"]) == ({"keys": 1}, "k", "p", [1])
    assert left["read"] == [True, 5, "filled", "help"]
    assert left["after"] == [False, "default", False]
    assert later["sees"] == [False, born, "m", [1, "left"]]
    assert right["sees"] == ["soon", [1], 4]
    assert ran.value("loaded_from") == [[1, "left"], [1], "p"]
    assert not {"helper", "twice"} & start.keys()

    # Only what changed was written; the one big read happened in the one task that asked for it.
    own = {name: {entry.name for entry in ran.tasks(name)[0].own} for name in ("left", "later", "right")}
    assert own == {"left": {"grown", "read", "after"}, "later": {"sees"}, "right": {"number", "sees"}}
    assert len(set((flows.folder / "loads").read_text().split())) == 1


# SPEC 1.3-13
# SPEC 1.3-15
def test_what_the_flows_file_defines_can_be_stored_and_loads_where_the_file_can_be_imported(flows):
    ran = flows.run("""
class Point:
    def __init__(self, x):
        self.x = x

def double(x):
    return 2 * x

class F(FlowSpec):
    @step
    def start(self):
        factor = 3
        self.stuff = [lambda x: factor * x, double, Point(4), Point]
        self.next(self.end)

    @step
    def end(self):
        triple, twice, point, kind = self.stuff
        self.values = [triple(2), twice(2), point.x, isinstance(point, kind), isinstance(point, Point)]
    """)
    assert ran.code == 0, ran.output
    assert ran.value("values") == [6, 4, 4, True, True]

    import subprocess
    import sys

    code = (
        "from stepwell.wiring.stores import open_stores; from stepwell.model.ids import TaskKey\n"
        "d = open_stores('store').datastore; p = d.pack(TaskKey('F', '1', 'start', '1'))\n"
        "f, g, p, c = d.load('F', d.visible(p)['stuff']); print(f(1), g(1), p.x, c.__name__)"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=flows.folder, capture_output=True, text=True)
    assert done.stdout == "3 2 4 Point\n", done.stderr

    info = ran.datastore.load("F", ran.datastore.visible(ran.tasks("end")[0])["_graph_info"])
    assert set(info) >= {"file", "start_step", "end_step", "parameters", "constants", "steps", "doc"}
    assert [step["type"] for step in info["steps"].values()] == ["start", "end"]


# SPEC 1.2-7
# SPEC 1.3-9
# SPEC 1.3-10
# SPEC 1.3-11
# SPEC 1.3-12
def test_a_task_with_unstorable_values_fails_names_all_of_them_and_keeps_the_rest_for_inspection(flows):
    ran = flows.run("""
import threading

class F(FlowSpec):
    @step
    def start(self):
        self.good = 1
        self.z_lock = {"deep": [1, threading.Lock()]}
        self.a_file = open(__file__)
        self.numbers = (n for n in range(3))
        self.me = self
        self.next(self.end)

    @step
    def end(self):
        pass
    """)
    assert ran.code == 1
    assert ran.tasks("start") == []
    text = ran.stdout
    places = [text.index(f"self.{name} (") for name in ("a_file", "me", "numbers", "z_lock")]
    assert places == sorted(places)
    assert "self.z_lock['deep'][1] (_thread.lock)" in text
    assert "store the path or the content" in text and "store list(...) of it" in text
    assert "store single values" in text
    assert "flow.py:7: Step 'start' has set artifacts that cannot be stored" in text
    assert "Traceback" not in ran.output

    [kept] = ran.failures("start")
    assert {entry.name for entry in kept.own} == {"good", "_exception"}
