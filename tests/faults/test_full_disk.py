"""A small disk that fills up, anywhere in the life of a run, and is freed."""

import subprocess

import pytest
from injection import packs_in

pytestmark = pytest.mark.faults


@pytest.fixture
def disk(trial):
    """The trial's datastore lies on a small disk of its own."""
    place = trial.folder.path / "disk"
    place.mkdir()
    mounting = ["mount", "-t", "tmpfs", "-o", "size=6m,mode=700", "none", str(place)]
    if subprocess.run(mounting, capture_output=True).returncode:
        pytest.skip("mounting is not permitted here: no disk is filled, and none is counted")
    trial.folder.root.symlink_to(place, target_is_directory=True)
    yield place
    subprocess.run(["umount", "-l", str(place)], check=True)


class Ballast:
    """Fills a disk until so many KiB are left, and frees it."""

    def __init__(self, disk):
        self._file = disk / "metadata-ballast"

    def fill(self, left_kib):
        with open(self._file, "wb", buffering=0) as file:
            try:
                while file.write(b"1" * 4096):
                    pass
            except OSError:
                file.truncate(max(0, file.tell() - left_kib * 1024))

    def free(self):
        self._file.unlink(missing_ok=True)


# SPEC 7.2-9
# SPEC 7.3-4
@pytest.mark.parametrize("graph", ["wide", "chain"])
def test_a_run_on_a_full_disk_fails_in_words_and_goes_on_when_there_is_room(trial, tally, disk, graph):
    trial.prepare(graph)
    ballast = Ballast(disk)

    for left_kib in (0, 8, 40, 80, 120, 200, 300, 500):
        known = trial.runs()
        ballast.fill(left_kib)
        code, said = trial.call("run", STEPWELL_STORE_PATIENCE="0.2")
        ballast.free()
        if code == 0:
            continue
        tally.injected += 1
        assert "full" in said, said
        assert code == 1 or trial.runs() == known, said
        if trial.runs() != known:
            trial.go_on()


# SPEC 7.2-9
@pytest.mark.parametrize("packs", [0, 3, 9])
def test_a_disk_that_fills_up_during_a_run_and_is_freed_costs_the_run_nothing(trial, tally, disk, packs):
    trial.prepare("wide")
    ballast = Ballast(disk)
    enough = len(packs_in(trial.folder.path)) + packs

    process = trial.begin("run", env={"STEPWELL_STORE_PATIENCE": "60"})
    assert process.stdout is not None
    with process:
        while process.poll() is None and len(packs_in(trial.folder.path)) < enough:
            pass
        ballast.fill(0)
        told = b""
        for line in process.stdout:
            told += line
            if b"Waiting for the store" in line:
                tally.injected += 1
                ballast.free()
        assert process.wait(60) == 0, told
    trial.judge(trial.runs()[0])
