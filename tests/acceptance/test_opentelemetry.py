"""Spans of a run, sent to a collector."""

import os
import signal
import socket

import pytest
from command_line import Folder, until, words

pytest.importorskip("opentelemetry.sdk", reason="the extra `otel` is not installed")

from collector import Collector, collecting, facts
from test_trace import FLOW

TELLING = FLOW.replace("self.length =", "self.context = os.environ.get('TRACEPARENT'); self.length =")
STATUS_ERROR = 2


def sending(collector: Collector, **more: str) -> dict[str, str]:
    return {**os.environ, "STEPWELL_OTEL_ENDPOINT": collector.address, **more}


@pytest.fixture(scope="module")
def sent(tmp_path_factory):
    """A run with a retry, and what the collector got of it."""
    folder = Folder(tmp_path_factory.mktemp("otel"))
    folder.file(TELLING)
    with pytest.MonkeyPatch.context() as patch, collecting() as collector:
        patch.setenv("STEPWELL_USER", "tester")
        done = folder.run(env=sending(collector))
    assert done.returncode == 0, words(done)
    assert "Trace" not in done.stderr
    return folder, collector


# SPEC 7.6-6
def test_spans_lie_in_each_other_as_run_step_task_attempt(sent):
    _, collector = sent
    run, step = collector.named("run F"), collector.named("step work")
    tasks = [span for span in collector.spans if span.name == "task work"]
    attempts = [span for span in collector.spans if span.name == "attempt work"]

    assert collector.inside(run) == {"step start", "step work", "step join", "step end"}
    assert {task.parent_span_id for task in tasks} == {step.span_id} and len(tasks) == 2
    assert {span.parent_span_id for span in attempts} == {task.span_id for task in tasks}
    assert len({span.trace_id for span in collector.spans}) == 1 and not run.parent_span_id


# SPEC 7.6-6
def test_spans_begin_and_end_inside_the_one_around_them(sent):
    by_id = {span.span_id: span for span in sent[1].spans}
    inner = [span for span in by_id.values() if span.parent_span_id]

    assert all(
        by_id[span.parent_span_id].start_time_unix_nano
        <= span.start_time_unix_nano
        <= span.end_time_unix_nano
        <= by_id[span.parent_span_id].end_time_unix_nano
        for span in inner
    )


# SPEC 7.6-6
def test_what_happens_in_an_attempt_are_events_of_its_span(sent):
    attempt = sent[1].named("attempt start")
    stored = [facts(event) for event in attempt.events if event.name == "artifact_stored"]

    assert [event.name for event in attempt.events][:2] == ["task_started", "inputs_opened"]
    assert [event.name for event in attempt.events][-3:] == [
        "transition_taken",
        "pack_committed",
        "task_exited",
    ]
    assert {fact["name"]: fact["bytes"] for fact in stored}["big"] > 100_000  # pyright: ignore


# SPEC 7.6-6
def test_a_failed_attempt_is_an_error_and_its_task_that_succeeded_then_is_not(sent):
    _, collector = sent
    failed = [span for span in collector.spans if span.status.code == STATUS_ERROR]

    assert [(span.name, span.status.message) for span in failed] == [("attempt work", "ValueError: at first")]
    assert facts(failed[0])["stepwell.state"] == "retrying"


# SPEC 7.6-6
# SPEC 12.4-5
def test_each_task_knows_its_span_and_run_and_tasks_record_the_trace(sent):
    from stored_runs import stored_run

    folder, collector = sent
    run = stored_run(folder)
    spans = {
        facts(span)["stepwell.task"]: span
        for span in collector.spans
        if span.name == "attempt work" and span.status.code != STATUS_ERROR
    }

    assert {task.id: task.data.context for task in run["work"]} == {
        task: f"00-{span.trace_id.hex()}-{span.span_id.hex()}-01" for task, span in spans.items()
    }
    trace = collector.spans[0].trace_id.hex()
    assert {task.metadata_dict["otel-trace-id"] for task in run["work"]} == {trace}


@pytest.mark.parametrize("isolation", ["spawn", "inline"])
def test_tasks_of_every_isolation_know_their_span(folder, isolation):
    from stored_runs import stored_run

    folder.file(TELLING)
    with collecting() as collector:
        done = folder.run("--isolation", isolation, env=sending(collector))

    assert done.returncode == 0, words(done)
    told = {task.data.context.split("-")[2] for task in stored_run(folder)["work"]}
    assert told <= {span.span_id.hex() for span in collector.spans if span.name == "attempt work"}
    assert len(told) == 2


# SPEC 7.6-6
def test_the_standard_variables_give_headers_service_and_the_span_around_the_run(folder):
    folder.file(FLOW)
    parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    with collecting() as collector:
        done = folder.run(
            env=sending(
                collector,
                OTEL_EXPORTER_OTLP_HEADERS="x-team=models",
                OTEL_SERVICE_NAME="churn",
                TRACEPARENT=parent,
            )
        )

    assert done.returncode == 0, words(done)
    assert collector.services == {"churn"} and collector.paths == {"/v1/traces"}
    assert {headers.get("x-team") for headers in collector.headers} == {"models"}
    run = collector.named("run F")
    assert (run.trace_id.hex(), run.parent_span_id.hex()) == tuple(parent.split("-")[1:3])


@pytest.mark.parametrize(
    "variables",
    [
        {"OTEL_SDK_DISABLED": "true"},
        {"OTEL_TRACES_SAMPLER": "always_off"},
        {"TRACEPARENT": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00"},
    ],
    ids=["disabled", "sampler", "around"],
)
def test_what_is_not_to_be_collected_is_not_sent(folder, variables):
    folder.file(FLOW)
    with collecting() as collector:
        done = folder.run(env=sending(collector, **variables))

    assert done.returncode == 0, words(done)
    assert collector.spans == [] and "Traces" not in words(done)


# SPEC 7.6-6
def test_nobody_at_the_address_fails_no_run_and_is_told_at_the_end(folder):
    folder.file(FLOW)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]

    done = folder.run("--json", env={**os.environ, "STEPWELL_OTEL_ENDPOINT": f"http://127.0.0.1:{port}"})

    assert done.returncode == 0
    assert folder.states() == ["succeeded"]
    assert done.stderr.splitlines()[-1] == (
        f"Traces could not be sent to http://127.0.0.1:{port}/v1/traces: Connection refused."
    )


def test_a_collector_that_never_answers_is_not_waited_for_long(folder):
    folder.file(FLOW)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        address = f"http://127.0.0.1:{silent.getsockname()[1]}"
        done = folder.run(
            env={**os.environ, "STEPWELL_OTEL_ENDPOINT": address, "OTEL_EXPORTER_OTLP_TIMEOUT": "0.2"}
        )

    assert done.returncode == 0
    assert f"Traces could not be sent to {address}/v1/traces: " in words(done)


def test_spans_that_a_collector_refused_are_lost_and_told(folder):
    folder.file(FLOW)
    with collecting(*[400] * 99) as collector:
        done = folder.run(env=sending(collector))

    assert done.returncode == 0
    assert "Traces could not be sent to" in words(done) and "400" in words(done)


# SPEC 7.6-6
def test_an_interrupted_run_sends_its_spans(folder):
    folder.file(FLOW)
    (folder.path / "wait").touch()
    with collecting() as collector:
        process = folder.begin(env=sending(collector))
        until((folder.path / "waiting").exists, "the last step waits")
        process.send_signal(signal.SIGINT)

        assert process.wait(60) == 130
    assert facts(collector.named("run F"))["stepwell.state"] == "interrupted"
    assert facts(collector.named("task end"))["stepwell.state"] == "killed"


def test_the_spans_of_a_killed_run_are_sent_all_the_same(folder, mark):
    folder.file(FLOW)
    (folder.path / "wait").touch()
    with collecting() as collector:
        process = folder.begin(env=sending(collector))
        until((folder.path / "waiting").exists, "the last step waits")
        os.kill(process.pid, signal.SIGKILL)
        process.wait(60)
        until(lambda: any(span.name == "run F" for span in collector.spans), "its span arrives")

    assert collector.named("run F").status.message == "the run process has gone"
    assert collector.named("task start").status.code != STATUS_ERROR


# SPEC 9.2-2
def test_a_missing_extra_is_a_usage_error_that_names_it(folder):
    folder.file(FLOW)
    # A package of that name without the parts that are needed, found before the real one.
    (folder.path / "opentelemetry").mkdir()
    (folder.path / "opentelemetry" / "__init__.py").touch()

    done = folder.run(env={**os.environ, "STEPWELL_OTEL_ENDPOINT": "http://127.0.0.1:4318"})

    assert done.returncode == 2
    assert "pip install 'stepwell[otel]'" in words(done)
    assert not folder.root.exists()


def test_an_address_that_is_none_is_told_with_its_origin(folder):
    folder.file(FLOW)

    done = folder.run(env={**os.environ, "STEPWELL_OTEL_ENDPOINT": "collector:4318"})

    assert done.returncode == 2
    assert "http://localhost:4318" in words(done) and "environment" in words(done)


def scheduled(folder, name, *more, parent="start/s", **environment):
    return folder.call(
        "flow.py", "step", name, "--run-id", "r", "--task-id", name[0],
        "--input-paths", f"r/{parent}", *more, env=environment,
    )  # fmt: skip


# SPEC 7.6-6
def test_tasks_that_a_scheduler_starts_send_their_spans_and_the_last_one_that_of_the_run(folder):
    from stored_runs import stored_run

    folder.file(TELLING.replace('["a", "b"]', '["b"]'))
    around = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    with collecting() as collector:
        env = sending(collector)
        registered = folder.call("flow.py", "init", "--run-id", "r", env={**env, "TRACEPARENT": around})
        assert registered.returncode == 0, words(registered)
        done = [
            scheduled(folder, "start", parent="_parameters/0", **env),
            scheduled(folder, "work", "--split-index", "0", "--max-user-code-retries", "1", **env),
            scheduled(folder, "work", "--split-index", "0", "--retry-count", "1", **env),
            scheduled(folder, "join", parent="work/w", **{**env, "TRACEPARENT": around}),
            scheduled(folder, "end", parent="join/j", **env),
        ]
    assert [one.returncode for one in done] == [0, 1, 0, 0, 0], [words(one) for one in done]

    run = collector.named("run F")
    assert (run.trace_id.hex(), run.parent_span_id.hex()) == tuple(around.split("-")[1:3])
    assert facts(run)["stepwell.state"] == "succeeded"
    assert collector.inside(run) == {"task start", "task work", "task end"}
    assert collector.named("task join").parent_span_id.hex() == around.split("-")[2]
    attempts = [span for span in collector.spans if span.name == "attempt work"]
    assert {span.parent_span_id for span in attempts} == {collector.named("task work").span_id}
    assert [facts(span)["stepwell.state"] for span in attempts] == ["retrying", "succeeded"]
    stored = stored_run(folder, "r")
    assert stored["work"].task.data.context == f"00-{run.trace_id.hex()}-{attempts[1].span_id.hex()}-01"
    assert {step.task.metadata_dict["otel-trace-id"] for step in stored} == {run.trace_id.hex()}


# SPEC 7.6-6
def test_a_task_of_a_scheduler_whose_run_has_no_span_has_one_by_itself(folder):
    folder.file(TELLING)
    assert folder.call("flow.py", "init", "--run-id", "r").returncode == 0
    with collecting() as collector:
        done = scheduled(folder, "start", parent="_parameters/0", **sending(collector))

    assert done.returncode == 0, words(done)
    task = collector.named("task start")
    assert not task.parent_span_id and collector.inside(task) == {"attempt start"}
    assert len(collector.spans) == 2
