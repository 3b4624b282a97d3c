"""What the client tells of attempts: of the latest, or of the one that is asked for."""

from datetime import datetime

from stored_results import BEGAN, Results

from stepwell.client import Task
from stepwell.model.states import TaskState


# SPEC 12.3-2
# SPEC 10.3-1
def test_each_attempt_has_fields_of_its_own():
    place = Results()
    run = place.run()
    run.failed("start", 1, OSError("first"), fields={"host": "one", "pid": "11", "signal": "SIGKILL"})
    run.failed(
        "start", 1, OSError("second"), attempt=1, fields={"host": "two", "pid": "22", "exit-code": "1"}
    )
    run.task("start", 1, {"x": 1}, attempt=2, indexed=False)
    run.record("start", 1, TaskState.SUCCEEDED, attempt=2, host="three", pid=33, exit_code=0)

    of = [Task("F/1/start/1", attempt=attempt, at=place.scope).metadata_dict for attempt in range(3)]

    assert [fields["attempt"] for fields in of] == ["0", "1", "2"]
    assert [fields["attempt_ok"] for fields in of] == ["False", "False", "True"]
    assert [(fields["host"], fields["pid"]) for fields in of] == [
        ("one", "11"),
        ("two", "22"),
        ("three", "33"),
    ]
    assert [fields.get("exit-code", fields.get("signal")) for fields in of] == ["SIGKILL", "1", "0"]
    assert Task("F/1/start/1", at=place.scope).metadata_dict == of[2]


# SPEC 12.3-2
# SPEC 10.3-1
def test_a_task_lists_all_its_attempts_with_the_time_each_began():
    place = Results()
    run = place.run()
    run.failed("start", 1, OSError("first"))
    run.failed("start", 1, OSError("second"), attempt=1)

    fields = Task("F/1/start/1", at=place.scope).metadata

    assert [(field.value, field.created_at) for field in fields if field.type == "attempt"] == [
        ("0", datetime.fromtimestamp(BEGAN)),
        ("1", datetime.fromtimestamp(BEGAN + 10)),
    ]
