"""Values written and read by a serializer that another distribution brings, in real runs."""

import os
import shutil

import pytest
from command_line import words

from stepwell.client.objects import Run
from stepwell.client.scope import Connection, Scope

POINTS = """
class Point:
    def __init__(self, x):
        self.x = x
    def __reduce__(self):
        raise TypeError("points cannot be pickled")

class Odd(Point):
    def __reduce__(self):
        return (Odd, (self.x,))
"""

PLUGIN = """
from stepwell.datastore.serializer import Serializer

class Points(Serializer):
    types = ("points.Point",)

    def dump(self, value):
        return None if value.x % 2 else [b"point ", str(value.x).encode()]

    def load(self, data):
        from points import Point
        return Point(int(bytes(data).split()[1]))
"""

FLOW = """
from points import Odd, Point
from stepwell import FlowSpec, step

class F(FlowSpec):
    ORIGIN = Point(0)

    @step
    def start(self):
        self.even, self.odd, self.plain = Point(2), Odd(3), 4
        self.next(self.work, foreach=[Point(6), Point(8)])

    @step
    def work(self):
        self.sum = self.input.x + self.even.x + self.ORIGIN.x
        self.even.x += 10 * self.index
        self.next(self.join)

    @step
    def join(self, inputs):
        self.sums = [one.sum for one in inputs]
        self.evens = [one.even.x for one in inputs]
        self.even = inputs[0].even
        self.next(self.end)

    @step
    def end(self):
        pass

if __name__ == "__main__":
    F()
"""

READ = """
from stepwell import Run, namespace
namespace(None)
data = Run("F/1")["start"].task.data
print(data.even.x, type(data.odd).__name__, data.plain)
"""


@pytest.fixture
def site(folder, monkeypatch):
    """A folder with an installed distribution, `acme-points`, that brings a serializer."""
    site = folder.path / "site"
    info = site / "acme_points-1.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: acme-points\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[stepwell.plugins]\nserializer.points = acme_points:Points\n")
    (site / "acme_points.py").write_text(PLUGIN)
    folder.file(POINTS, "points.py")
    folder.file(FLOW)
    folder.file(READ, "read.py")
    path = os.environ.get("PYTHONPATH")
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(site), *([path] if path else [])]))
    return site


def labels(folder, step):
    task = Run(f"F/1/{step}".rpartition("/")[0], Scope(Connection(f"local@{folder.root}")))[step].task
    datastore = task._scope.connection.stores.datastore
    return {entry.name: entry.serializer for entry in datastore.pack(task._task.key).own}


# SPEC 12.2-1
@pytest.mark.parametrize("isolation", ["fork", "spawn", "inline"])
def test_a_run_stores_values_through_it_and_another_process_reads_them(folder, site, isolation):
    done = folder.run("--isolation", isolation)

    assert done.returncode == 0, words(done)
    assert labels(folder, "start") == {"even": "points@acme-points", "odd": "pickle", "plain": "pickle"}
    assert folder.call("read.py").stdout == "2 Odd 4\n"
    join = Run("F/1", Scope(Connection(f"local@{folder.root}")))["join"].task
    assert (join.data.sums, join.data.evens) == ([8, 10], [2, 12])


# SPEC 12.2-1
def test_where_the_distribution_is_missing_the_error_names_it(folder, site):
    assert folder.run().returncode == 0
    shutil.rmtree(site)

    read = folder.call("read.py")
    full = folder.call("-m", "stepwell", "dump", "F/1/start", "--full", "--include", "even")
    shown = folder.call("-m", "stepwell", "dump", "F/1/start")

    for done in (read, full):
        assert done.returncode != 0
        assert "'even' (points.Point)" in done.stderr
        assert "'points' of the distribution acme-points" in done.stderr
        assert "pip install acme-points" in done.stderr
    assert "even [size: 7 type: points.Point] = <points.Point>" in words(shown)


# SPEC 12.2-1
def test_a_broken_one_is_told_by_run_and_doctor_and_by_who_needs_it(folder, site):
    assert folder.run().returncode == 0
    (site / "acme_points.py").write_text("import no_such_module\n")
    folder.flow(name="other.py")

    run = folder.call("other.py", "run")
    doctor = folder.call("-m", "stepwell", "doctor")
    read = folder.call("read.py")

    assert run.returncode == 0
    for done in (run, doctor, read):
        said = done.stdout + done.stderr
        assert "No module named 'no_such_module'" in said and "acme-points" in said
    assert "Values are stored without it" in words(run)
    assert "WARNING plugins: serializer `points` of acme-points 1.0" in doctor.stdout
    assert read.returncode != 0


# SPEC 12.2-1
def test_one_that_fails_fails_the_task_with_its_name(folder, site):
    (site / "acme_points.py").write_text(
        PLUGIN.replace("return None", "raise OSError(value.x)\n        return None")
    )

    done = folder.run()

    assert done.returncode != 0
    assert "points@acme-points said OSError: 0" in words(done)
