import subprocess
import sys

FLOW = """
import sys
from stepwell.datastore.datastore import Datastore
from stepwell.storages.local import LocalStorage
from stepwell.model import wire
from stepwell.model.artifact import ArtifactEntry
class Point:
    def __init__(self, x): self.x = x
def double(x): return 2 * x
store = Datastore(LocalStorage(sys.argv[1]))
if __name__ == "__main__" and sys.argv[2] == "write":
    n = 3
    value = [Point(1), double, lambda x: Point(x + n)]
    sys.stdout.buffer.write(wire.encode(store.save("x", value)))
elif __name__ == "__main__":
    point, f, make = store.load("F", wire.decode(sys.stdin.buffer.read(), ArtifactEntry))
    assert type(point) is Point and f is double and f(2) == 4
    assert type(make(1)) is Point and make(1).x == 4
"""
CLIENT = """
import sys
from stepwell.datastore.datastore import Datastore
from stepwell.storages.local import LocalStorage
from stepwell.model import wire
from stepwell.model.artifact import ArtifactEntry
store = Datastore(LocalStorage(sys.argv[1]))
point, f, make = store.load("F", wire.decode(sys.stdin.buffer.read(), ArtifactEntry))
assert point.x == 1 and f(2) == 4 and make(1).x == 4
"""


# SPEC 1.3-13
def test_what_the_flow_file_defines_loads_in_other_processes_and_keeps_its_class(tmp_path):
    def run(script, mode, data=b""):
        command = [sys.executable, str(script), str(tmp_path / "root"), mode]
        env = {"PYTHONPATH": ":".join(p for p in sys.path if p)}
        return subprocess.run(command, input=data, capture_output=True, env=env)

    (tmp_path / "flow.py").write_text(FLOW)
    (tmp_path / "client.py").write_text(CLIENT)
    written = run(tmp_path / "flow.py", "write")
    again, client = (run(tmp_path / name, "read", written.stdout) for name in ("flow.py", "client.py"))
    assert (written.stderr, again.stderr, client.stderr) == (b"", b"", b"")
