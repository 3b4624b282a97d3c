"""Stored bytes that change: never a wrong value, always named, and `continue` or `resume` makes them anew."""

from pathlib import Path

import pytest
from injection import packs_in
from stored_runs import stored_run, tasks_of, values_of

from stepwell.exceptions import BlobCorrupted, StepwellDataMissing

pytestmark = pytest.mark.faults


PICKLE = b"\x80"
"""What a value begins with; other blobs are the code of a run."""


def flip(chance, data):
    at = chance.randrange(len(data))
    return data[:at] + bytes([data[at] ^ (1 << chance.randrange(8))]) + data[at + 1 :]


DAMAGES = {
    "flipped": flip,
    "truncated": lambda chance, data: data[: chance.randrange(len(data))],
    "zeroed": lambda chance, data: bytes(len(data)),
    "removed": None,
}


def damage(chance, file: Path, kind: str) -> None:
    make, data = DAMAGES[kind], file.read_bytes()
    file.unlink()
    if make is not None:
        file.write_bytes(make(chance, data))


def failed_run(trial):
    """Leave a run that failed in its last step."""
    text = trial.folder.path / "flow.py"
    whole = text.read_text()
    text.write_text(whole.replace("        self.value = digest(self.value, self.common)", "        1 / 0"))
    code, said = trial.call("run")
    assert code == 1, said
    text.write_text(whole)
    return trial.runs()[0]


def named_or_right(run, wanted):
    """Read every value; return how many cannot be: each is named by its error, which says what to do."""
    named = 0
    for place, task in tasks_of(run).items():
        for artifact in task:
            try:
                assert artifact.data == wanted[place][artifact.id]
            except (BlobCorrupted, StepwellDataMissing) as error:
                assert repr(artifact.id) in str(error) and "`python flow.py continue RUN`" in str(error)
                named += 1
    return named


# SPEC 12.2-5
# SPEC 7.3-4
@pytest.mark.parametrize("kind", DAMAGES)
@pytest.mark.parametrize("step", ["start", "work", "join"])
def test_a_damaged_pack_is_made_again_when_the_run_goes_on(trial, tally, chance, kind, step):
    trial.prepare("small")
    id = failed_run(trial)
    packs = [pack for pack in packs_in(trial.folder.path) if f"/{id}/packs/{step}/" in str(pack)]
    damage(chance, chance.choice(packs), kind)
    tally.injected += 1

    trial.go_on(replaced=True)


# SPEC 12.2-5
@pytest.mark.parametrize("kind", DAMAGES)
def test_a_damaged_value_is_named_never_wrong_and_can_be_made_again(trial, tally, chance, kind):
    trial.prepare("small")
    wanted = values_of(stored_run(trial.folder))
    failed_run(trial)
    files = sorted(trial.folder.root.glob("blobs/*/*/*"))
    blobs = [file for file in files if file.read_bytes().startswith(PICKLE)]
    assert len(blobs) >= 3
    for blob in blobs:
        whole = blob.read_bytes()
        damage(chance, blob, kind)
        tally.injected += 1

        assert named_or_right(stored_run(trial.folder), wanted)
        trial.go_on(replaced=True)
        assert blob.read_bytes() == whole
        assert not named_or_right(stored_run(trial.folder), wanted)
        failed_run(trial)


# SPEC 12.2-5
@pytest.mark.parametrize("kind", DAMAGES)
def test_a_damaged_log_or_record_of_a_run_keeps_nobody_from_going_on(trial, tally, chance, kind):
    trial.prepare("small")
    places = ("runs/F/*/{id}/logs/*/*/*/*", "index/*/{id}", "index/*/{id}.end")
    for place in places:
        id = failed_run(trial)
        for file in sorted(trial.folder.root.glob(place.format(id=id))):
            damage(chance, file, kind)
            tally.injected += 1

        trial.go_on()
        code, said = trial.call("show", id)
        assert code == 0, said


# SPEC 12.2-5
@pytest.mark.parametrize("kind", DAMAGES)
def test_a_damaged_value_of_a_run_that_succeeded_is_made_again_by_resume(trial, tally, chance, kind):
    trial.prepare("small")
    wanted = values_of(stored_run(trial.folder))
    blobs = [file for file in trial.folder.root.glob("blobs/*/*/*") if file.read_bytes().startswith(PICKLE)]
    damage(chance, chance.choice(sorted(blobs)), kind)
    tally.injected += 1
    assert named_or_right(stored_run(trial.folder), wanted)

    code, said = trial.call("resume", "--origin-run-id", "1")

    assert code == 0, said
    trial.judge(trial.runs()[0])
