import os
import signal
import subprocess
import sys

import pytest

from stepwell.exceptions import StoreError, StoreUnavailable
from stepwell.storages.local import LocalStorage


# SPEC 18.2-2
def test_files_and_folders_are_for_the_user_only(tmp_path):
    LocalStorage(tmp_path / "r").write("a/b", [b"x"])
    modes = [os.stat(tmp_path / "r" / name).st_mode & 0o777 for name in ("", "a", "a/b", ".gitignore")]
    assert modes == [0o700, 0o700, 0o600, 0o600]


# SPEC 12.1-2
def test_a_new_root_is_ignored_by_git(tmp_path):
    LocalStorage(tmp_path / "r").write("a", [b"x"])
    assert (tmp_path / "r/.gitignore").read_text() == "*\n"


@pytest.mark.parametrize("key", ["", "/a", "../a", "a/../b", "a//b", ".hidden", "a/", "a b"])
def test_a_key_cannot_lead_out_of_the_root(tmp_path, key):
    with pytest.raises(StoreError, match="no name"):
        LocalStorage(tmp_path).write(key, [b"x"])


def test_touching_a_written_file_is_noticed(tmp_path):
    storage = LocalStorage(tmp_path)
    storage.write("k", [b"xyz"])
    before = storage.untouched("k")
    with open(tmp_path / "k", "r+b") as file:
        file.write(b"a")
    assert before
    assert not storage.untouched("k")


def test_a_file_in_the_way_is_a_clear_error(tmp_path):
    (tmp_path / "root").write_text("I am a file")
    with pytest.raises(StoreUnavailable, match="is a file, not a directory"):
        LocalStorage(tmp_path / "root").write("k", [b"x"])


# SPEC 12.3-1
def test_a_writer_killed_before_the_end_leaves_nothing(tmp_path):
    code = (
        "import os, signal, sys\nfrom stepwell.storages.local import LocalStorage\n"
        "def key():\n    os.kill(os.getpid(), signal.SIGKILL)\n    return 'k'\n"
        "LocalStorage(sys.argv[1]).write(key, [b'x' * 100000])\n"
    )
    done = subprocess.run([sys.executable, "-c", code, str(tmp_path)], env={"PYTHONPATH": ":".join(sys.path)})
    assert done.returncode == -signal.SIGKILL
    assert list(LocalStorage(tmp_path).list("")) == []


def test_a_full_disk_is_a_clear_error_and_leaves_nothing(tmp_path):
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(tmp_path)], capture_output=True
    )
    if mounted.returncode:
        pytest.skip("a tiny file system can be mounted by root only")
    try:
        storage = LocalStorage(tmp_path)
        with pytest.raises(StoreUnavailable, match="the disk is full"):
            storage.write("k", [b"x" * 4_000_000])
        assert storage.read("k") is None
        assert storage.write("small", [b"x"])
    finally:
        subprocess.run(["umount", str(tmp_path)], check=True)
