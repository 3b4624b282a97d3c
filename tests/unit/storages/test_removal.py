import fcntl
import math
import os

from stepwell.storages import removal
from stepwell.storages.local import LocalStorage

SEALED_NS = 1_000_000_007 * 1_000_000_000


def test_renewing_does_not_hide_that_somebody_has_touched_a_file(tmp_path):
    storage = LocalStorage(tmp_path)
    storage.write("k", [b"x"])
    assert storage.untouched("k")

    storage.renew("k")
    assert storage.untouched("k")

    os.utime(tmp_path / "k")
    storage.renew("k")
    assert not storage.untouched("k")


def test_a_file_from_before_the_last_start_stays_in_doubt(tmp_path):
    storage = LocalStorage(tmp_path)
    storage.write("k", [b"x"])

    assert removal.renew(str(tmp_path / "k"), SEALED_NS, booted_ns=2**62)

    assert not storage.untouched("k")


def test_a_file_that_somebody_is_about_to_rely_on_stays(tmp_path):
    storage = LocalStorage(tmp_path)
    storage.write("k", [b"x"])

    with (tmp_path / "k").open() as held:
        fcntl.flock(held, fcntl.LOCK_SH)
        assert storage.discard(["k"], math.inf) == []
    assert storage.discard(["k"], math.inf) == ["k"]


def test_folders_that_become_empty_go_and_others_stay(tmp_path):
    storage = LocalStorage(tmp_path)
    storage.write("a/b/c/one", [b"x"])
    storage.write("a/two", [b"x"])

    storage.discard(["a/b/c/one"], math.inf)

    assert [path.name for path in (tmp_path / "a").iterdir()] == ["two"]
    storage.delete(["a/two"])
    assert storage.write("a/b/c/one", [b"y"])


def test_what_killed_writers_have_left_is_cleared_once_it_is_old(tmp_path):
    storage = LocalStorage(tmp_path)
    storage.replace("k", b"x")
    left = tmp_path / ".tmp" / "f00"
    left.write_bytes(b"half a value")
    young = left.stat().st_ctime

    assert storage.clear_leftovers(young) == 0
    assert storage.clear_leftovers(math.inf, dry_run=True) == 12
    assert left.exists()
    assert storage.clear_leftovers(math.inf) == 12
    assert not left.exists()
    assert storage.read("k") == b"x"
