"""Every SQL text, in the part of SQL that SQLite and PostgreSQL share, but for the mark of a parameter."""

from __future__ import annotations

from stepwell.metadata_store.store import RunQuery, TaskQuery

RUN_COLUMNS = (
    "flow", "run", "state", "username", "created_at", "finished_at", "heartbeat_at", "host", "pid",
    "pid_started", "reason", "tags", "system_tags", "fields", "number",
)  # fmt: skip
TASK_COLUMNS = (
    "flow", "run", "step", "task", "number", "state", "attempt", "created_at", "started_at", "finished_at",
    "index_path", "label", "pid", "host", "exit_code", "error", "parents", "fields",
)  # fmt: skip
# Tags belong to whoever changes them, not to whoever saves the run again.
_KEPT_IN_RUN = ("flow", "run", "tags", "system_tags", "heartbeat_at", "number")
_KEY_OF_TASK = ("flow", "run", "step", "task")


def _marks(count: int) -> str:
    return ", ".join("?" * count)


def _replacing(columns: tuple[str, ...], kept: tuple[str, ...]) -> str:
    return ", ".join(f"{name} = excluded.{name}" for name in columns if name not in kept)


_RUN = ", ".join(RUN_COLUMNS)
_TASK = ", ".join(TASK_COLUMNS)

NEXT_RUN_ID = "UPDATE counters SET value = value + 1 WHERE name = 'run' RETURNING value"
RAISE_RUN_ID = "UPDATE counters SET value = ? WHERE name = 'run' AND value < ?"
SAVE_RUN = (
    f"INSERT INTO runs ({_RUN}) VALUES ({_marks(len(RUN_COLUMNS))}) "
    f"ON CONFLICT (flow, run) DO UPDATE SET {_replacing(RUN_COLUMNS, _KEPT_IN_RUN)}, "
    # Who saves the run knows only the heartbeat it began with.
    "heartbeat_at = CASE WHEN runs.heartbeat_at IS NULL OR runs.heartbeat_at < excluded.heartbeat_at "
    "THEN excluded.heartbeat_at ELSE runs.heartbeat_at END"
)
BEAT = (
    "UPDATE runs SET heartbeat_at = ?, "
    "finished_at = CASE state WHEN 'lost' THEN NULL ELSE finished_at END, "
    "reason = CASE state WHEN 'lost' THEN '' ELSE reason END, "
    "state = CASE state WHEN 'lost' THEN 'running' ELSE state END WHERE flow = ? AND run = ?"
)
LOSE_TASKS = (
    "UPDATE tasks SET state = 'lost', finished_at = ? "
    "WHERE flow = ? AND run = ? AND state IN ('waiting', 'running', 'retrying')"
)
# Before `BEAT`: tasks that were lost with the run have its time; others, of an execution before, have not.
FIND_TASKS = (
    "UPDATE tasks SET state = 'running', finished_at = NULL WHERE flow = ? AND run = ? AND state = 'lost' "
    "AND finished_at = (SELECT finished_at FROM runs WHERE flow = ? AND run = ? AND state = 'lost')"
)
DELETE_RUN = tuple(
    f"DELETE FROM {table} WHERE flow = ? AND run = ?" for table in ("tasks", "run_tags", "runs")
)
SAVE_TASK = (
    f"INSERT INTO tasks ({_TASK}) VALUES ({_marks(len(TASK_COLUMNS))}) "
    f"ON CONFLICT (flow, run, step, task) DO UPDATE SET {_replacing(TASK_COLUMNS, _KEY_OF_TASK)}"
)
RUN = f"SELECT {_RUN} FROM runs WHERE flow = ? AND run = ?"
TASK = f"SELECT {_TASK} FROM tasks WHERE flow = ? AND run = ? AND step = ? AND task = ?"
FLOWS = "SELECT DISTINCT flow FROM runs ORDER BY flow"
SET_TAGS = "UPDATE runs SET tags = ? WHERE flow = ? AND run = ?"
CLEAR_TAGS = "DELETE FROM run_tags WHERE flow = ? AND run = ?"
ADD_TAG = "INSERT INTO run_tags (flow, run, tag) VALUES (?, ?, ?) ON CONFLICT DO NOTHING"
STEPS = (
    "SELECT step, state, count(*), min(number), min(created_at), max(finished_at), "
    "min(min(number)) OVER (PARTITION BY step) AS began "
    "FROM tasks WHERE flow = ? AND run = ? GROUP BY step, state ORDER BY began, step, state"
)


def runs(query: RunQuery) -> tuple[str, list[object]]:
    """Return the text and parameters that list runs."""
    where: list[str] = []
    given: list[object] = []
    if query.flow is not None:
        where.append("flow = ?")
        given.append(query.flow)
    for tag in query.tags:
        where.append(
            "EXISTS (SELECT 1 FROM run_tags t WHERE t.tag = ? AND t.flow = runs.flow AND t.run = runs.run)"
        )
        given.append(tag)
    _states(query.states, where, given)
    if query.before is not None:
        where.append("number < ?")
        given.append(query.before)
    return _select(
        _RUN, "runs", where, "number DESC, created_at DESC, flow DESC, run DESC", query.limit, given
    )


def tasks(query: TaskQuery) -> tuple[str, list[object]]:
    """Return the text and parameters that list tasks."""
    where = ["flow = ?", "run = ?"]
    given: list[object] = [query.flow, query.run]
    for column, value in (("step", query.step), ("index_path", query.index_path)):
        if value is not None:
            where.append(f"{column} = ?")
            given.append(value)
    _states(query.states, where, given)
    if query.before is not None:
        where.append("number < ?")
        given.append(query.before)
    way = "ASC" if query.ascending else "DESC"
    return _select(_TASK, "tasks", where, f"number {way}, step {way}, task {way}", query.limit, given)


def _states(states: tuple[str, ...], where: list[str], given: list[object]) -> None:
    if states:
        where.append(f"state IN ({_marks(len(states))})")
        given.extend(str(state) for state in states)


def _select(
    columns: str, table: str, where: list[str], order: str, limit: int | None, given: list[object]
) -> tuple[str, list[object]]:
    condition = f" WHERE {' AND '.join(where)}" if where else ""
    text = f"SELECT {columns} FROM {table}{condition} ORDER BY {order}"
    return (text, given) if limit is None else (f"{text} LIMIT ?", [*given, limit])
