"""What an artifact says of its value without loading it."""

import pickle

import pytest
from stored_results import Results, foreach_run

from stepwell.client import DataArtifact, Task
from stepwell.exceptions import BlobCorrupted, StepwellDataMissing


@pytest.fixture
def place():
    return Results()


# SPEC 18.2-1
def test_an_artifact_has_preview_type_and_bytes(place):
    place.run().task("start", 1, {"big": ["x" * 50_000], "small": {"a": 1}})
    big, small = (DataArtifact(f"F/1/start/1/{name}", at=place.scope) for name in ("big", "small"))

    assert (small.preview, small.type) == ("{'a': 1}", "dict")
    assert big.preview.startswith("['xxx") and len(big.preview) < 500
    assert pickle.loads(big.bytes()) == ["x" * 50_000]
    assert len(big.bytes()) == big.size and len(small.bytes()) == small.size


# SPEC 18.2-1
def test_an_inherited_artifact_has_the_preview_that_was_made_when_it_was_written(place):
    run = place.run()
    run.task("start", 1, {"small": (1, 2), "big": "y" * 50_000}, to=("end",))
    datastore = place.stores.datastore
    inherited = datastore.visible(datastore.pack(run.key("start", 1))).values()
    run.task("end", 2, parents=(("start", 1),), inherited=inherited)

    task = Task("F/1/end/2", at=place.scope)

    assert task["small"].preview == "(1, 2)" and task["small"].type == "tuple"
    assert task["big"].preview.endswith("(50000 characters)")
    assert pickle.loads(task["small"].bytes()) == (1, 2)


# SPEC 18.2-1
def test_what_the_framework_knows_has_them_too(place):
    foreach_run(place)
    stack = DataArtifact("F/1/work/2/_foreach_stack", at=place.scope)

    assert stack.type == "list" and "ForeachFrame" in stack.preview
    assert pickle.loads(stack.bytes()) == stack.data


# SPEC 10.3-5
def test_bytes_that_are_gone_or_changed_are_not_given_out(place):
    place.run().task("start", 1, {"big": "x" * 50_000})
    storage = place.stores.datastore._storage
    (key,) = storage.list("blobs")
    artifact = DataArtifact("F/1/start/1/big", at=place.scope)

    storage.replace(key, storage.read(key)[:-1] + b"?")
    with pytest.raises(BlobCorrupted, match="'big'"):
        artifact.bytes()
    storage.delete([key])
    with pytest.raises(StepwellDataMissing, match="'big'"):
        artifact.bytes()
