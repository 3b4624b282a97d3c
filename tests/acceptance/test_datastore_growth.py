"""What runs leave in a datastore."""

from command_line import words

FLOW = """
from stepwell import FlowSpec, Parameter, step

class Grow(FlowSpec):
    width = Parameter("width", default=3)

    @step
    def start(self):
        self.next(self.work, foreach=range(self.width))

    @step
    def work(self):
        self.square = self.input**2
        self.next(self.join)

    @step
    def join(self, inputs):
        self.total = sum(one.square for one in inputs)
        self.next(self.end)

    @step
    def end(self):
        pass

if __name__ == "__main__":
    Grow()
"""


def files(folder):
    return {path.relative_to(folder.root).as_posix() for path in folder.root.rglob("*") if path.is_file()}


# SPEC 12.1-3
def test_a_small_task_costs_one_new_file(folder):
    folder.file(FLOW)
    assert folder.run().returncode == 0
    before = files(folder)

    done = folder.run("--width", "13")

    assert done.returncode == 0, words(done)
    new = files(folder) - before
    packs = {name for name in new if name.startswith("runs/Grow/0/2/packs/")}
    # The tasks of `work`, and `_parameters`, `start`, `join` and `end`.
    assert len(packs) == 13 + 4
    # What the run itself costs, however many tasks it has: its code is stored already.
    (code,) = folder.root.glob("runs/Grow/0/2/code.*")
    assert new - packs == {"index/0/2", "index/0/2.end", f"runs/Grow/0/2/{code.name}"}
