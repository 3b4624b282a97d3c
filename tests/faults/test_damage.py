"""Stored bytes that change: never a wrong value, always named, and `continue` or `resume` makes them anew."""

from pathlib import Path

import pytest
from injection import packs_in
from stored_runs import stored_run

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
    wanted = {name: stored_run(trial.folder)["end"].task[name].data for name in ("value", "common")}
    id = failed_run(trial)
    files = sorted(trial.folder.root.glob("blobs/*/*/*"))
    blobs = [file for file in files if file.read_bytes().startswith(PICKLE)]
    assert len(blobs) >= 3
    for blob in blobs:
        whole = blob.read_bytes()
        damage(chance, blob, kind)
        tally.injected += 1

        code, said = trial.call("continue", id)
        if code == 1:  # something that was still to be done reads the value
            assert "does not have the bytes that were written" in said or "is not in" in said, said
            assert "resume" in said
        else:
            assert code == 0, said
        for step in stored_run(trial.folder):
            for task in step:
                for artifact in task:
                    try:
                        found = artifact.data
                    except (BlobCorrupted, StepwellDataMissing):
                        continue
                    assert step.id != "end" or found == wanted.get(artifact.id, found)
        code, said = trial.call("resume", "start", "--origin-run-id", "1")
        assert code == 0, said
        assert blob.read_bytes() == whole
        trial.judge(trial.runs()[0])
        id = failed_run(trial)


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
