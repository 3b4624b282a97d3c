"""What makes tasks equal for the cache, and what does not."""

import os

import pytest
from cached_flow import ALL, FLOW, LIBRARY, ran, write
from command_line import Folder, words
from stored_runs import stored_task

WORK = ["work/2", "work/3", "work/4"]


@pytest.fixture(scope="module")
def filled(tmp_path_factory):
    """A folder in which the flow has run once."""
    folder = Folder(tmp_path_factory.mktemp("filled"))
    write(folder)
    ran(folder)
    return folder


def cached_after(folder, change, *options, **more):
    """Change the flow, run it, and return what was cached; nothing is kept of it for the next."""
    write(folder, **change)
    return ran(folder, *options, **more)["cached"]


# SPEC 7.5-2
@pytest.mark.parametrize(
    ("change", "cached"),
    [
        ({"library": LIBRARY.replace("10 * x", "x * 10 + 0")}, ["join/5"]),
        ({"flow": FLOW.replace("FACTOR = 3", "FACTOR = 3 + 0")}, ["join/5"]),
        ({"flow": FLOW.replace("* FACTOR", "* FACTOR + 0")}, ["join/5"]),
        ({"flow": FLOW.replace("+ self.bias", "+ self.bias + 0")}, ["join/5"]),
        ({"work": "@cache(version=2)"}, ["join/5"]),
        ({"work": '@environment(vars={"A": "1"})\n    @cache'}, ["join/5"]),
        ({"flow": FLOW.replace("[one.value for", "[one.value + 0 for")}, WORK),
        ({"flow": FLOW + "\n# a comment\n\ndef unused():\n    pass\n"}, ALL),
        ({"flow": FLOW.replace("return scale(x)", '"""Says."""\n    # so\n    return (scale(x))')}, ALL),
        ({"library": LIBRARY + "\ndef other():\n    return 1\n"}, ALL),
        # SPEC 7.5-3
        ({"work": "@retry(times=5)\n    @resources(cpu=2)\n    @timeout(hours=1)\n    @cache"}, ALL),
        ({"work": '@cache(expires="7d", scope="project", wait=True)'}, ALL),
    ],
    ids=[
        "imported module", "constant", "helper", "step", "version", "variable", "join's own code",
        "comment", "docstring", "unused function", "how it is carried out", "whose results",
    ],
)  # fmt: skip
def test_a_change_of_the_code_counts_if_the_step_reaches_it(filled, change, cached):
    assert cached_after(filled, change) == cached


# SPEC 7.5-3
@pytest.mark.parametrize(
    ("options", "cached"),
    [
        (["--unrelated", "5"], ALL),
        (["--tag", "nightly", "--max-workers", "1"], ALL),
        (["--bias", "2"], []),
        (["--n", "2"], ["work/2", "work/3"]),
        (["--n", "4"], ["work/2", "work/3", "work/4"]),
    ],
)
def test_what_a_step_reads_counts_and_nothing_else(filled, options, cached):
    write(filled)

    assert ran(filled, "--json", *options)["cached"] == cached


READS = """
import os
from stepwell import FlowSpec, Parameter, cache, step

class F(FlowSpec):
    a = Parameter("a", default=1)
    b = Parameter("b", default=1)
    which = Parameter("which", default="a")
    LIMIT = int(os.environ.get("LIMIT", "1"))

    @step
    def start(self):
        self.x, self.y = self.a, self.b
        if self.a == 5:
            self.extra = True
        self.next(self.fit)

    @cache{options}
    @step
    def fit(self):
        {body}
        self.next(self.left, self.right)

    @step
    def left(self):
        self.side = self.a
        self.next(self.join)

    @step
    def right(self):
        self.side = self.b
        self.next(self.join)

    @cache
    @step
    def join(self, inputs):
        {join}
        self.next(self.end)

    @cache
    @step
    def end(self):
        pass

if __name__ == "__main__":
    F()
"""


class Reader:
    """The flow above with bodies of its own; which of ``fit`` and ``join`` is cached in a run."""

    def __init__(self, folder):
        self.folder = folder

    def write(self, body="pass", join="pass", options=""):
        text = READS.replace("{body}", body).replace("{join}", join).replace("{options}", options)
        self.folder.file(text)
        return self

    def __call__(self, *options, **variables):
        cached = ran(self.folder, *options, env={**os.environ, **variables})["cached"]
        return [task.partition("/")[0] for task in cached if not task.startswith("end")]


@pytest.fixture
def reader(folder):
    return Reader(folder)


def test_of_two_ways_through_a_step_each_has_what_it_reads(reader):
    reader.write('self.r = self.x if self.which == "a" else self.y')
    reader("--which", "a")
    reader("--which", "b")

    assert "fit" in reader("--which", "a", "--b", "9")
    assert "fit" in reader("--which", "b", "--a", "9")
    assert "fit" not in reader("--which", "a", "--a", "9")


def test_that_something_is_not_there_is_read_as_well(reader):
    reader.write('self.r = hasattr(self, "extra")')
    reader()

    assert "fit" in reader("--b", "3")
    assert "fit" not in reader("--a", "5", "--b", "1")
    assert stored_task(reader.folder, "3/fit/2")["r"].data is True


def test_a_constant_with_another_value_is_another_key_although_its_code_is_the_same(reader):
    reader.write("self.r = self.LIMIT")
    reader()

    assert "fit" in reader()
    assert reader(LIMIT="2") == ["join"]


def test_a_text_names_an_artifact_too(reader):
    reader.write('self.r = getattr(self, "".join(["x"]))')
    reader()

    assert "fit" in reader("--b", "2")
    assert "fit" not in reader("--a", "2")


def test_what_a_process_of_the_step_reads_counts(reader):
    forks = "pid = os.fork() or os._exit(self.x)"
    reader.write(f"{forks}\n        self.r = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])")
    reader()

    assert "fit" in reader()
    assert "fit" not in reader("--a", "2")


def test_inherited_artifacts_that_the_step_changed_or_deleted_are_so_in_a_cached_task(reader):
    reader.write("self.x += 10\n        del self.y")
    reader()
    assert reader("--which", "b") == ["fit", "join"]

    names = {artifact.id: artifact.data for artifact in stored_task(reader.folder, "2/fit/2")}
    assert (names["x"], names["which"]) == (11, "b")
    assert "y" not in names


# SPEC 7.5-4
def test_what_is_ignored_does_not_count_and_is_part_of_the_key_itself(reader):
    reader.write("self.r = self.x + self.y", options='(ignore=["y"])')
    reader()

    assert "fit" in reader("--b", "2")
    assert "fit" not in reader("--a", "2")
    reader.write("self.r = self.x + self.y")
    assert "fit" not in reader("--b", "3"), "without it, `y` counts again"


def test_a_function_adds_to_the_key_and_sees_the_flow(reader):
    reader.write("pass", options='(key=lambda flow: [flow.x, os.environ.get("DAY")])')
    reader(DAY="mon")

    assert "fit" in reader(DAY="mon")
    assert "fit" not in reader(DAY="tue")
    assert "fit" in reader("--b", "2", DAY="mon")
    assert "fit" not in reader("--a", "2", DAY="mon")


def test_a_function_that_fails_fails_the_task_in_words(reader):
    reader.write("pass", options="(key=lambda flow: flow.nothing)")

    done = reader.folder.run()

    assert done.returncode == 1
    assert "The `key` of @cache on step 'fit' failed: AttributeError" in words(done)


def test_old_results_expire(reader):
    reader.write(options='(expires="1h")')
    reader()
    assert "fit" in reader()

    reader.write(options="(expires=0.001)")
    assert "fit" not in reader()


def test_the_scope_says_whose_results_are_taken(reader):
    reader.write(options='(scope="user")')
    reader(STEPWELL_USER="ann")

    assert "fit" not in reader(STEPWELL_USER="bob")
    assert "fit" in reader(STEPWELL_USER="bob")
    assert "fit" in reader(STEPWELL_USER="ann"), "one's own result stays beside that of others"
    reader.write()
    assert "fit" in reader(STEPWELL_USER="eve")


def test_tasks_that_failed_or_were_caught_are_never_taken(reader):
    reader.write('if "BAD" in os.environ: raise ValueError')
    assert reader.folder.run(env={**os.environ, "BAD": "1"}).returncode == 1
    reader("--with", "catch", BAD="1")

    assert "fit" not in reader()
    assert "fit" in reader()


@pytest.mark.parametrize(
    ("join", "same", "different"),
    [
        ("self.s = inputs.left.side", ["--b", "2"], ["--a", "2"]),
        ("self.s = inputs[1].side", ["--a", "2"], ["--b", "2"]),
        ("self.s = [one.side for one in inputs]", ["--which", "b"], ["--b", "2"]),
        ("self.merge_artifacts(inputs, include=['x'])", ["--b", "2"], ["--a", "5"]),
        ("self.merge_artifacts([inputs.left])\n        self.s = self.x", ["--b", "2"], ["--a", "2"]),
        ("self.s = hasattr(inputs.left, 'extra')", ["--a", "2"], ["--a", "5"]),
        ("self.s = inputs.split_task.y", ["--a", "2"], ["--b", "2"]),
        ("self.s = self.a", ["--b", "2"], ["--a", "2"]),
    ],
)
def test_a_join_depends_on_what_it_reads_of_each_input(reader, join, same, different):
    reader.write(join=join)
    reader()

    assert "join" in reader(*same)
    if "include" not in join:  # what is merged unread is passed on as it is now
        assert "join" not in reader(*different)


def test_a_merge_that_would_fail_now_is_no_hit(reader):
    reader.write(join="self.merge_artifacts(inputs)")
    reader()

    done = reader.folder.run("--b", "2")

    assert done.returncode == 1
    assert "The inputs disagree about side" in words(done)


INDEXES = """
from stepwell import FlowSpec, Parameter, cache, step

class F(FlowSpec):
    items = Parameter("items", default="ab")

    @step
    def start(self):
        self.next(self.outer, foreach=list(self.items))

    @step
    def outer(self):
        self.next(self.work, foreach=[1, 2])

    @cache
    @step
    def work(self):
        {body}
        self.next(self.inner)

    @step
    def inner(self, inputs):
        self.next(self.join)

    @step
    def join(self, inputs):
        self.next(self.end)

    @step
    def end(self):
        pass

if __name__ == "__main__":
    F()
"""


@pytest.mark.parametrize(
    ("body", "after_swap"), [("self.r = self.input", 4), ("self.r = self.foreach_stack()", 0)]
)
def test_items_and_places_in_foreaches_count_as_they_are_read(folder, body, after_swap):
    folder.file(INDEXES.replace("{body}", body))
    ran(folder)
    assert len(ran(folder)["cached"]) == 4

    assert len(ran(folder, "--items", "ba")["cached"]) == after_swap
