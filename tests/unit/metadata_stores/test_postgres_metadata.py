"""What PostgreSQL, or the way to it, can do wrong, and what becomes of it."""

import gc
import os
import signal

import psycopg
import pytest
from command_line import until

from postgres import PASSWORD as SECRET
from stepwell.exceptions import (
    StepwellNotFound,
    StoreError,
    StoreFormatError,
    StoreUnavailable,
    UsageError,
)
from stepwell.metadata_store.store import RunQuery
from stepwell.metadata_stores import schema
from stepwell.metadata_stores.postgres import PostgresMetadata
from stepwell.metadata_stores.postgres_connection import connected, options_of
from stepwell.model.run import RunRecord
from stepwell.model.states import RunState

RUN = RunRecord(flow="F", run="1", state=RunState.RUNNING, user="ann", created_at=1.0)


@pytest.fixture
def opened():
    """Open stores that are closed when the test ends."""
    stores: list[PostgresMetadata] = []

    def opened(*args, **options) -> PostgresMetadata:
        stores.append(PostgresMetadata(*args, **options))
        return stores[-1]

    yield opened
    for store in stores:
        store.close()


@pytest.fixture
def filled(database, opened):
    """A database with one run."""
    opened(database).save_run(RUN)
    return database


@pytest.fixture
def name(database):
    """The name of the test's own database."""
    return psycopg.conninfo.conninfo_to_dict(database)["dbname"]


@pytest.fixture
def guest(postgres_server, name):
    """The address for somebody with a password who may connect, and nothing more."""
    user = f"guest_{name}"
    postgres_server.do(f"CREATE USER {user} PASSWORD '{SECRET}'")
    yield postgres_server.address(name, user, SECRET)
    postgres_server.do(f"DROP OWNED BY {user}", database=name)
    postgres_server.do(f"DROP USER {user}")


def sql(address, *statements):
    with psycopg.connect(address, autocommit=True) as db:
        for statement in statements:
            done = db.execute(statement)
        return done.fetchall() if done.description else []


def test_what_was_written_is_there_when_it_is_opened_again(filled, opened):
    assert opened(filled).run("F", "1") == RUN
    assert opened(filled).next_run_id() == 2


def test_its_tables_lie_in_a_schema_of_their_own_beside_whatever_else_is_there(database, opened):
    sql(database, "CREATE TABLE runs (mine int)", "INSERT INTO runs VALUES (7)")

    opened(database).save_run(RUN)

    assert sql(database, "SELECT mine FROM public.runs") == [(7,)]
    assert sql(database, "SELECT flow FROM stepwell.runs") == [("F",)]


# SPEC 12.4-1
@pytest.mark.parametrize(
    "character", ["\0", "\x1a", "\x1a0", "\0\0\x1a", "ü", "\U0001f600", "'", "\\", "%s", "?"]
)
def test_every_text_comes_back(database, opened, character):
    text = f"a{character}b"
    run = RunRecord(
        flow=text,
        run="1",
        state=RunState.RUNNING,
        user=text,
        created_at=1.0,
        tags=(text,),
        fields={text: text},
    )
    store = opened(database)

    store.save_run(run)

    assert store.run(text, "1") == run
    assert list(store.runs(RunQuery(tags=(text,)))) == [run]
    assert list(store.flows()) == [text]


def test_every_text_is_ordered_by_its_bytes_whatever_language_the_database_is_made_for(database, opened):
    opened(database)

    columns = "FROM information_schema.columns WHERE table_schema = 'stepwell' AND data_type = 'text'"
    assert sql(database, f"SELECT DISTINCT collation_name {columns}") == [("C",)]


def test_a_database_that_cannot_keep_every_text_is_refused(postgres_server, opened):
    name = postgres_server.new_database("ENCODING 'LATIN1' LOCALE 'C' TEMPLATE template0")

    with pytest.raises(StoreFormatError, match=r"LATIN1.*ENCODING 'UTF8'"):
        opened(postgres_server.address(name))


def test_tables_of_a_newer_version_are_refused_and_stay(filled, opened):
    sql(filled, f"UPDATE stepwell.counters SET value = {schema.VERSION + 1} WHERE name = 'format'")

    with pytest.raises(StoreFormatError, match=rf"format {schema.VERSION + 1}.*Install a newer Stepwell"):
        opened(filled)

    assert sql(filled, "SELECT flow FROM stepwell.runs") == [("F",)]


def test_making_the_tables_is_all_or_nothing(database, opened):
    sql(database, "CREATE SCHEMA stepwell", "CREATE TABLE stepwell.tasks (other int)")

    with pytest.raises(StoreError, match="already exists"):
        opened(database)

    found = "SELECT tablename FROM pg_tables WHERE schemaname = 'stepwell'"
    assert sql(database, found) == [("tasks",)]


def test_who_only_reads_makes_nothing(database, opened):
    with pytest.raises(StepwellNotFound, match="The first run makes it"):
        opened(database, make=False)

    assert sql(database, "SELECT to_regnamespace('stepwell')") == [(None,)]


def test_a_record_that_cannot_be_read_is_a_format_error(filled, opened):
    sql(filled, "UPDATE stepwell.runs SET state = 'dreaming'")

    with pytest.raises(StoreFormatError, match=r"cannot read .*dreaming.*stepwell reindex"):
        opened(filled).run("F", "1")


def test_tables_that_were_dropped_meanwhile_are_told(filled, opened):
    store = opened(filled)
    sql(filled, "DROP SCHEMA stepwell CASCADE")

    with pytest.raises(StoreFormatError, match="stepwell reindex"):
        store.next_run_id()


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda a: a.replace(SECRET, "wrong-Wrong"), "password authentication failed"),
        (lambda a: a.replace(f":{SECRET}", ""), "no password supplied"),
        (lambda a: a.replace("/test_", "/absent_"), 'database "absent_'),
    ],
    ids=["wrong", "missing", "no-database"],
)
def test_who_is_not_let_in_is_told_why_at_once_and_no_password_is(guest, opened, change, said):
    with pytest.raises(StoreUnavailable, match=said) as refused:
        opened(change(guest))

    assert not refused.value.may_pass
    assert SECRET not in str(refused.value) and "wrong-Wrong" not in str(refused.value)


def test_without_the_right_to_make_tables_that_is_said(guest, opened):
    with pytest.raises(StoreUnavailable, match="grant the right") as refused:
        opened(guest)

    assert not refused.value.may_pass


def test_rights_to_tables_that_are_there_are_enough(filled, guest, opened):
    user = psycopg.conninfo.conninfo_to_dict(guest)["user"]
    sql(
        filled,
        f"GRANT USAGE ON SCHEMA stepwell TO {user}",
        f"GRANT SELECT ON ALL TABLES IN SCHEMA stepwell TO {user}",
    )

    assert opened(guest).run("F", "1") == RUN
    with pytest.raises(StoreUnavailable, match="grant the right"):
        opened(guest).next_run_id()
    sql(filled, f"GRANT INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA stepwell TO {user}")
    assert opened(guest).next_run_id() == 2


@pytest.mark.parametrize(
    "address",
    [
        f"postgresql://u:{SECRET}/x@h/db",
        f"postgresql://u:{SECRET}%zz@h/db",
        f"postgresql://u:{SECRET}@h/db?nonsense=1",
    ],
)
def test_what_is_no_address_is_refused_without_the_password(opened, address):
    with pytest.raises((UsageError, StoreUnavailable)) as refused:
        opened(address)

    assert SECRET not in str(refused.value)


def test_a_server_that_is_not_there_may_come(opened, tmp_path):
    with pytest.raises(StoreUnavailable, match="cannot be reached") as refused:
        opened(f"postgresql://ann:{SECRET}@/db?host={tmp_path}")

    assert refused.value.may_pass
    assert SECRET not in str(refused.value)
    assert "\n" not in str(refused.value)


def test_a_connection_that_was_cut_while_nobody_used_it_is_made_anew(postgres_server, filled, name, opened):
    store = opened(filled)

    assert postgres_server.cut(name)
    assert store.run("F", "1") == RUN
    assert postgres_server.cut(name)
    assert store.next_run_id() == 2


def test_a_connection_cut_amid_a_transaction_is_unavailable_and_the_next_call_serves(
    postgres_server, filled, name, opened
):
    store = opened(filled)

    with pytest.raises(StoreUnavailable) as lost, store.writing() as db:
        db.execute("UPDATE runs SET reason = 'half'")
        postgres_server.cut(name)
        db.execute("UPDATE runs SET reason = 'whole'")

    assert lost.value.may_pass
    assert store.run("F", "1") == RUN


def test_a_server_that_was_stopped_is_unavailable_until_it_is_back(postgres_server, filled, opened):
    store = opened(filled)

    postgres_server.stop()
    try:
        for use in (store.next_run_id, lambda: store.run("F", "1")):
            with pytest.raises(StoreUnavailable) as lost:
                use()
            assert lost.value.may_pass
    finally:
        postgres_server.start()

    assert store.run("F", "1") == RUN


def test_a_run_that_another_process_writes_to_is_waited_for_and_no_longer_than_asked(filled, opened):
    one, other = opened(filled), opened(filled, patience_s=0.2)

    with one.writing([("F", "1")]):
        with pytest.raises(StoreUnavailable, match="locked by another process") as late:
            other.beat("F", "1", 5.0)
        other.save_run(RunRecord(flow="F", run="2", state=RunState.RUNNING, user="", created_at=1.0))

    assert late.value.may_pass
    other.beat("F", "1", 5.0)


def test_a_forked_process_makes_a_connection_of_its_own_and_leaves_the_other_alone(filled, opened):
    store = opened(filled)
    pid = os.fork()
    if pid == 0:
        code = 1
        try:
            code = 0 if store.next_run_id() == 2 else 2
            store.close()
        finally:
            os._exit(code)

    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
    assert store.next_run_id() == 3


def test_a_server_that_does_not_answer_is_not_waited_for_for_ever(filled):
    db = connected(options_of(filled), 0.0)
    [(backend,)] = db.execute(b"SELECT pg_backend_pid()").fetchall()
    db.answer_s = 0.2

    os.kill(backend, signal.SIGSTOP)
    try:
        with pytest.raises(psycopg.OperationalError, match=r"no answer in 0\.2 s"):
            db.execute(b"SELECT 1")
    finally:
        os.kill(backend, signal.SIGCONT)

    assert db.closed


def test_a_store_that_was_left_open_is_closed_without_a_word(postgres_server, database, name):
    store = PostgresMetadata(database)
    assert store.next_run_id() == 1

    del store
    gc.collect()

    left = f"SELECT 1 FROM pg_stat_activity WHERE datname = '{name}'"
    until(lambda: not postgres_server.do(left), "no connection is left")


def test_a_read_only_database_is_told(filled, name, opened):
    store = opened(filled)
    sql(filled, f"ALTER DATABASE {name} SET default_transaction_read_only = on")

    with pytest.raises(StoreUnavailable, match="read-only") as refused:
        opened(filled).next_run_id()

    assert not refused.value.may_pass
    assert store.next_run_id() == 2


def test_a_closed_store_says_so(filled, opened):
    store = opened(filled)
    store.close()

    with pytest.raises(StoreUnavailable, match="was closed"):
        store.run("F", "1")


# SPEC 12.4-1
def test_large_batches_are_written_at_once(database, opened):
    from stepwell.metadata_store.store import TaskQuery
    from stepwell.testing.metadata_records import FLOW, a_task

    store = opened(database)

    store.save_tasks([a_task(number) for number in range(20_000)])

    [count] = store.steps(FLOW, "1")
    assert count.tasks == 20_000
    page = store.tasks(TaskQuery(flow=FLOW, run="1", limit=3, before=19_000))
    assert [task.number for task in page] == [18_999, 18_998, 18_997]
