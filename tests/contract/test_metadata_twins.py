"""Whatever is done to all, the metadata in memory, in SQLite and in PostgreSQL give the same answers."""

import tempfile
from contextlib import closing
from pathlib import Path

import psycopg
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from stepwell.exceptions import StepwellException
from stepwell.metadata_store.store import MetadataStore, RunQuery, TaskQuery
from stepwell.metadata_stores.memory import MemoryMetadata
from stepwell.metadata_stores.postgres import PostgresMetadata
from stepwell.metadata_stores.sqlite import SqliteMetadata
from stepwell.model.run import RunRecord, TaskRecord
from stepwell.model.states import RunState, TaskState

FLOWS = st.sampled_from(["A", "a", "B"])
RUNS = st.sampled_from(["1", "2", "10", "x", "01"])
STEPS = st.sampled_from(["start", "fit", "end"])
TAGS = st.lists(st.sampled_from(["t", "T", "ü", "user:ann", "", "%"]), max_size=3).map(tuple)
SECONDS = st.floats(0, 2e9)
PERHAPS = st.none() | SECONDS
TEXT = st.text(st.characters(codec="utf-8"), max_size=8)
NUMBERS = st.integers(0, 6)
FIELDS = st.dictionaries(TEXT, TEXT, max_size=2)
RUN_RECORDS = st.builds(
    RunRecord,
    flow=FLOWS, run=RUNS, state=st.sampled_from(RunState), user=TEXT, created_at=SECONDS, finished_at=PERHAPS,
    heartbeat_at=PERHAPS, host=TEXT, pid=NUMBERS, pid_started=SECONDS, reason=TEXT, tags=TAGS,
    system_tags=TAGS, fields=FIELDS,
)  # fmt: skip
TASK_RECORDS = st.builds(
    TaskRecord,
    flow=FLOWS, run=RUNS, step=STEPS, task=NUMBERS.map(str), number=NUMBERS, state=st.sampled_from(TaskState),
    attempt=NUMBERS, created_at=SECONDS, started_at=PERHAPS, finished_at=PERHAPS,
    index_path=st.sampled_from(["", "0", "0,1"]), label=TEXT, pid=NUMBERS, host=TEXT,
    exit_code=st.none() | st.integers(-64, 255), error=TEXT, parents=TEXT, fields=FIELDS,
)  # fmt: skip
LIMITS = st.none() | NUMBERS
RUN_QUERIES = st.builds(
    RunQuery,
    flow=st.none() | FLOWS,
    tags=TAGS,
    states=st.lists(st.sampled_from(RunState), max_size=3).map(tuple),
    before=st.none() | st.integers(0, 12),
    limit=LIMITS,
)
TASK_QUERIES = st.builds(
    TaskQuery,
    flow=FLOWS,
    run=RUNS,
    step=st.none() | STEPS,
    states=st.lists(st.sampled_from(TaskState), max_size=4).map(tuple),
    index_path=st.sampled_from([None, "", "0", "0,1"]),
    before=LIMITS,
    limit=LIMITS,
    ascending=st.booleans(),
)
OPERATIONS = st.one_of(
    st.tuples(st.just("next_run_id")),
    st.tuples(st.just("save_run"), RUN_RECORDS),
    st.tuples(st.just("replace_run"), RUN_RECORDS, RUN_RECORDS),
    st.tuples(st.just("delete_run"), RUN_RECORDS),
    st.tuples(st.just("beat"), FLOWS, RUNS, SECONDS),
    st.tuples(st.just("save_tasks"), st.lists(TASK_RECORDS, max_size=5)),
    st.tuples(st.just("change_tags"), FLOWS, RUNS, TAGS, TAGS),
    st.tuples(st.just("run"), FLOWS, RUNS),
    st.tuples(st.just("runs"), RUN_QUERIES),
    st.tuples(st.just("flows")),
    st.tuples(st.just("task"), FLOWS, RUNS, STEPS, NUMBERS.map(str)),
    st.tuples(st.just("tasks"), TASK_QUERIES),
    st.tuples(st.just("steps"), FLOWS, RUNS),
)


def answer(store: MetadataStore, operation: tuple) -> object:
    name, *given_values = operation
    try:
        return getattr(store, name)(*given_values)
    except StepwellException as error:
        return type(error)


def everything(store: MetadataStore) -> object:
    runs = store.runs(RunQuery())
    places = {(flow, run) for flow in ("A", "a", "B") for run in ("1", "2", "10", "x", "01")}
    return [
        runs,
        [store.runs(RunQuery(tags=(tag,))) for tag in ("t", "T", "ü", "user:ann", "%")],
        [(store.tasks(TaskQuery(flow=f, run=r)), store.steps(f, r)) for f, r in sorted(places)],
    ]


def compare(store: MetadataStore, operations: list[tuple]) -> None:
    memory = MemoryMetadata()
    for operation in operations:
        assert answer(store, operation) == answer(memory, operation), operation
    assert everything(store) == everything(memory)


# SPEC 12.4-1
@settings(max_examples=100, deadline=None)
@given(st.lists(OPERATIONS, max_size=25))
def test_memory_and_sqlite_agree_after_any_operations(operations):
    with (
        tempfile.TemporaryDirectory() as folder,
        closing(SqliteMetadata(Path(folder) / "metadata.db")) as store,
    ):
        compare(store, operations)


# SPEC 12.4-1
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(operations=st.lists(OPERATIONS, max_size=25))
def test_memory_and_postgres_agree_after_any_operations(database, operations):
    with psycopg.connect(database, autocommit=True) as db, closing(PostgresMetadata(database)) as store:
        db.execute("TRUNCATE stepwell.runs, stepwell.tasks, stepwell.run_tags")
        db.execute("UPDATE stepwell.counters SET value = 0 WHERE name = 'run'")
        compare(store, operations)
