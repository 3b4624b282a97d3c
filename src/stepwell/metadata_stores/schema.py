"""Tables of the metadata, as a list of migrations: version n is what the first n make."""

from __future__ import annotations

MIGRATIONS: tuple[tuple[str, ...], ...] = (
    (
        "CREATE TABLE counters (name TEXT PRIMARY KEY, value BIGINT NOT NULL)",
        "INSERT INTO counters VALUES ('run', 0)",
        """CREATE TABLE runs (
            flow TEXT NOT NULL, run TEXT NOT NULL, number BIGINT NOT NULL, state TEXT NOT NULL,
            username TEXT NOT NULL, created_at DOUBLE PRECISION NOT NULL, finished_at DOUBLE PRECISION,
            heartbeat_at DOUBLE PRECISION, host TEXT NOT NULL, pid BIGINT NOT NULL,
            pid_started DOUBLE PRECISION NOT NULL, reason TEXT NOT NULL, tags TEXT NOT NULL,
            system_tags TEXT NOT NULL, fields TEXT NOT NULL, PRIMARY KEY (flow, run))""",
        "CREATE INDEX runs_by_number ON runs (number)",
        "CREATE INDEX runs_of_flow ON runs (flow, number)",
        "CREATE TABLE run_tags (tag TEXT NOT NULL, flow TEXT NOT NULL, run TEXT NOT NULL, "
        "PRIMARY KEY (tag, flow, run))",
        "CREATE INDEX tags_of_run ON run_tags (flow, run)",
        """CREATE TABLE tasks (
            flow TEXT NOT NULL, run TEXT NOT NULL, step TEXT NOT NULL, task TEXT NOT NULL,
            number BIGINT NOT NULL, state TEXT NOT NULL, attempt BIGINT NOT NULL,
            created_at DOUBLE PRECISION NOT NULL, started_at DOUBLE PRECISION, finished_at DOUBLE PRECISION,
            index_path TEXT NOT NULL, label TEXT NOT NULL, pid BIGINT NOT NULL, host TEXT NOT NULL,
            exit_code BIGINT, error TEXT NOT NULL, parents TEXT NOT NULL, fields TEXT NOT NULL,
            PRIMARY KEY (flow, run, step, task))""",
        "CREATE INDEX tasks_of_run ON tasks (flow, run, number)",
    ),
)
VERSION = len(MIGRATIONS)
