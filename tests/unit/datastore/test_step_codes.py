"""The code of the steps of an execution, kept in the datastore. SPEC 7.1-6."""

from __future__ import annotations

from stepwell.datastore import layout
from stepwell.datastore.datastore import Datastore
from stepwell.model.step_code import CodePart, FlowCode, StepCode, changes
from stepwell.storages.memory import MemoryStorage


def part(name: str, digest: str = "1", kind: str = "function") -> CodePart:
    return CodePart(name=name, kind=kind, digest=digest, file="a.py", line=1, source=f"{name} {digest}")


def code(*parts: CodePart) -> StepCode:
    return StepCode(digest="/".join(f"{one.name}{one.digest}" for one in parts), parts=parts)


CODES = {"start": code(part("a:start", kind="step"), part("a:f")), "end": code(part("a:f"))}


def test_what_is_written_is_read():
    storage = MemoryStorage()
    Datastore.open(storage).step_codes.write("F", "1", "abc", FlowCode.of(CODES))

    found = Datastore.open(storage).step_codes.read("F", "1", "abc")

    assert found is not None and {step: found.step(step) for step in found.steps} == CODES
    assert found.step("other") is None
    assert len(found.parts) == 2


def test_an_execution_that_left_none_or_whose_code_is_damaged_has_none():
    storage = MemoryStorage()
    codes = Datastore.open(storage).step_codes
    codes.write("F", "1", "abc", FlowCode.of(CODES))
    assert codes.read("F", "1", "other") is None
    assert codes.read("F", "2", "abc") is None
    assert codes.read("F", "1", "") is None

    digest = codes.digest("F", "1", "abc")
    assert digest is not None
    storage.delete([layout.blob_key(digest)])
    assert Datastore.open(storage).step_codes.read("F", "1", "abc") is None
    storage.replace(layout.step_codes_key("F", "1", "abc"), b"\xffno name")
    assert Datastore.open(storage).step_codes.read("F", "1", "abc") is None


def test_changes_name_what_was_edited_the_step_itself_first():
    before = code(part("a:F.start", "1", "step"), part("a:A"), part("a:b"), part("a:*", "1", "module"))
    now = code(part("a:F.start", "2", "step"), part("a:A", "2"), part("a:c"), part("a:*", "2", "module"))

    said = [str(change) for change in changes(before, now)]

    assert said == ["step start in a.py", "module a.py", "function A in a.py"]
    assert changes(now, now) == []


def test_what_is_reached_newly_is_named_only_if_nothing_was_edited():
    assert [str(change) for change in changes(code(part("a:b")), code(part("c:b")))] == [
        "function b in a.py",
        "function b in a.py",
    ]
