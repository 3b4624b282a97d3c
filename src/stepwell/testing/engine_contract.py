"""The promises of the engine port as tests: subclass, give `engine`, and every one is held."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from msgspec.structs import replace

from stepwell.engine.engine import Engine
from stepwell.engine.handle import TaskExited, TaskHandle, TaskOutput, TaskReport, TaskStarted
from stepwell.model.ids import member_id
from stepwell.model.policy import StepPolicy
from stepwell.model.run import RunInfo
from stepwell.model.task import GangPlace, TaskRequest
from stepwell.testing.engine_deeds import deed

PATIENCE_S = 60.0
INFO = RunInfo(flow="Contract", run="1", script="contract.py", user="tester")


def submit(engine: Engine, *requests: TaskRequest) -> Sequence[TaskHandle]:
    """Submit without a policy."""
    return engine.submit([(request, StepPolicy()) for request in requests])


def watch(engine: Engine) -> Iterator[TaskReport]:
    """Yield reports as they come, for at most `PATIENCE_S`."""
    deadline = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline:
        yield from engine.reports(1.0)
    raise AssertionError("the engine did not report what was waited for")


def until_exited(engine: Engine, handles: Iterable[TaskHandle]) -> dict[TaskHandle, list[TaskReport]]:
    """Collect the reports of these tasks until each has exited."""
    found: dict[TaskHandle, list[TaskReport]] = {handle: [] for handle in handles}
    left = set(found)
    for report in watch(engine):
        found.setdefault(report.handle, []).append(report)
        if isinstance(report, TaskExited):
            left.discard(report.handle)
            if not left:
                return found
    raise AssertionError("unreachable")


def until_started(engine: Engine, handle: TaskHandle) -> TaskStarted:
    """Wait for one task's start."""
    for report in watch(engine):
        if isinstance(report, TaskStarted) and report.handle == handle:
            return report
    raise AssertionError("unreachable")


def exit_of(reports: Sequence[TaskReport]) -> TaskExited:
    """The last report, which must be the exit."""
    last = reports[-1]
    assert isinstance(last, TaskExited), last
    return last


def text_of(reports: Sequence[TaskReport], stream: str = "stdout") -> bytes:
    """Everything a task wrote to a stream."""
    return b"".join(r.data for r in reports if isinstance(r, TaskOutput) and r.stream == stream)


def run_one(engine: Engine, request: TaskRequest) -> list[TaskReport]:
    """Run one task to its end and return its reports."""
    (handle,) = submit(engine, request)
    return until_exited(engine, [handle])[handle]


def started_untold(engine: Engine, failing: TaskRequest) -> list[TaskStarted]:
    """Run a task that fails and forty behind it, which are withdrawn then; return what began in between."""
    handles = submit(engine, failing, *(deed("succeed", str(number)) for number in range(40)))
    failed: TaskExited | None = None
    late: list[TaskStarted] = []
    ended = 0
    for report in watch(engine):
        if isinstance(report, TaskExited):
            ended += 1
            if report.handle == handles[0]:
                failed = report
                engine.withdraw(handles)
        elif isinstance(report, TaskStarted) and failed is not None and report.at > failed.at:
            late.append(report)
        if ended == len(handles):
            break
    return late


def gone(pid: int) -> bool:
    """Wait until the process is no more; a zombie counts as gone. False if it stays."""
    deadline = time.monotonic() + 10.0
    while time.monotonic() < deadline:
        try:
            with open(f"/proc/{pid}/stat") as file:
                if file.read().rpartition(")")[2].split()[0] == "Z":
                    return True
        except (FileNotFoundError, ProcessLookupError):
            return True
        time.sleep(0.01)
    return False


class EngineContract:
    """What every engine promises. The fixture ``engine`` has been started with `INFO` and runs `run_deed`."""

    def test_a_task_is_reported_started_once_and_exited_once(self, engine: Engine) -> None:
        handles = submit(engine, *(deed("succeed", str(number)) for number in range(6)))

        reports = until_exited(engine, handles)

        for handle in handles:
            assert [type(report) for report in reports[handle]] == [TaskStarted, TaskExited]
            assert exit_of(reports[handle]).exit_code == 0

    def test_the_outcome_travels_ahead_of_the_pack(self, engine: Engine) -> None:
        reports = run_one(engine, deed("succeed", "7"))

        outcome = exit_of(reports).outcome
        assert outcome is not None and outcome.ok and outcome.label == "7"

    def test_an_exit_code_is_told_truthfully(self, engine: Engine) -> None:
        assert exit_of(run_one(engine, deed("fail:3"))).exit_code == 3

    # SPEC 8.1-1
    def test_output_comes_between_start_and_exit_whole_and_by_stream(self, engine: Engine) -> None:
        reports = run_one(engine, deed("write"))

        assert isinstance(reports[0], TaskStarted)
        assert text_of(reports) == b"out 1\nout 2\nprinted\n"
        assert text_of(reports, "stderr") == b"err \xff\xfe\n"
        exit_of(reports)

    def test_the_same_request_again_gives_the_same_handle_and_runs_once(self, engine: Engine) -> None:
        first = submit(engine, deed("succeed"))
        again = submit(engine, deed("succeed"))
        other = submit(engine, deed("succeed", attempt=1))

        reports = until_exited(engine, [*first, *other])

        assert first == again and first != other
        assert len(reports[first[0]]) == 2
        assert submit(engine, deed("succeed")) == first
        assert engine.reports(0.05) == []

    def test_what_is_cancelled_in_the_queue_never_starts_and_is_reported(self, engine: Engine) -> None:
        handles = submit(engine, *(deed("succeed", str(number)) for number in range(40)))
        engine.cancel(handles[30:])

        reports = until_exited(engine, handles)

        assert all(exit_of(reports[handle]).exit_code == 0 for handle in handles[:30])
        assert all([type(r) for r in reports[handle]] == [TaskExited] for handle in handles[30:])
        assert all(exit_of(reports[handle]).exit_code is None for handle in handles[30:])

    # SPEC 7.2-1
    def test_what_is_withdrawn_in_the_queue_never_starts_and_what_runs_goes_on(self, engine: Engine) -> None:
        handles = submit(engine, *(deed("succeed", str(number)) for number in range(40)))
        exits: list[TaskExited] = []
        for number, report in enumerate(watch(engine)):
            if number == 0:
                engine.withdraw(handles)
            exits += [report] if isinstance(report, TaskExited) else []
            if len(exits) == len(handles):
                break

        assert {one.handle for one in exits} == set(handles)
        assert all(bool(one.error) != (one.exit_code == 0) for one in exits)
        assert any(one.error for one in exits)

    # SPEC 7.2-1
    def test_after_a_failure_nothing_queued_starts_before_the_failure_has_been_told(
        self, engine: Engine
    ) -> None:
        assert started_untold(engine, deed("fail:1")) == []

    # SPEC 7.1-7
    def test_what_is_submitted_upon_a_failure_does_not_wait_for_anything_else(self, engine: Engine) -> None:
        run_one(engine, deed("fail:1"))
        (handle,) = submit(engine, deed("succeed"))

        reports = [report for _ in range(2) for report in engine.reports(20.0)]

        assert {type(report) for report in reports if report.handle == handle} == {TaskStarted, TaskExited}

    def test_cancelling_what_has_ended_is_no_error(self, engine: Engine) -> None:
        reports = run_one(engine, deed("succeed"))

        engine.cancel([reports[0].handle], force=True)

        assert engine.reports(0.0) == []

    def test_closing_twice_is_closing_once(self, engine: Engine) -> None:
        submit(engine, deed("succeed"))

        engine.close()
        engine.close()


class ProcessContract(EngineContract):
    """What engines promise whose tasks are processes of this machine (Linux). ``engine`` has two workers."""

    def test_a_signal_is_told_by_its_number(self, engine: Engine) -> None:
        killed = exit_of(run_one(engine, deed("kill:9")))
        crashed = exit_of(run_one(engine, deed("segfault")))

        assert (killed.exit_code, killed.signal, killed.outcome) == (None, signal.SIGKILL, None)
        assert (crashed.exit_code, crashed.signal) == (None, signal.SIGSEGV)

    def test_leaving_by_the_back_door_is_told_truthfully(self, engine: Engine) -> None:
        ended = exit_of(run_one(engine, deed("exit:7")))

        assert (ended.exit_code, ended.outcome) == (7, None)

    # SPEC 7.2-1
    def test_an_exit_code_0_that_is_no_success_holds_up_what_is_queued(self, engine: Engine) -> None:
        assert started_untold(engine, deed("exit:0")) == []

    def test_what_escapes_the_runner_is_exit_code_1_with_its_traceback(self, engine: Engine) -> None:
        reports = run_one(engine, deed("raise:it"))

        assert exit_of(reports).exit_code == 1
        assert b"ValueError: escaped it" in text_of(reports, "stderr")

    # SPEC 8.1-1
    def test_a_hundred_megabytes_arrive_whole_in_bounded_pieces(self, engine: Engine) -> None:
        (handle,) = submit(engine, deed("flood:100"))
        total = most = 0
        ended: list[TaskHandle] = []

        for report in watch(engine):
            if isinstance(report, TaskOutput):
                total, most = total + len(report.data), max(most, len(report.data))
            elif isinstance(report, TaskExited):
                ended.append(report.handle)
                break

        assert (ended, total) == ([handle], 100 << 20)
        assert most <= 1 << 20

    # SPEC 7.1-8
    def test_never_more_tasks_run_than_there_are_workers(self, engine: Engine) -> None:
        handles = submit(engine, *(deed("sleep:0.02", str(number)) for number in range(12)))
        running = most = left = 0

        for report in watch(engine):
            running += isinstance(report, TaskStarted)
            running -= isinstance(report, TaskExited)
            most, left = max(most, running), left + isinstance(report, TaskExited)
            if left == len(handles):
                break

        assert most == 2

    # SPEC 2.6-1, 2.6-4
    def test_the_tasks_of_a_gang_run_at_the_same_time_however_many_they_are(self, engine: Engine) -> None:
        size = 5
        gang = [
            replace(deed("sleep", member_id("1", index)), gang=GangPlace("1", size, index))
            for index in range(size)
        ]
        handles = submit(engine, *gang)

        started: set[TaskHandle] = set()
        for report in watch(engine):
            started |= {report.handle} if isinstance(report, TaskStarted) else set()
            if len(started) == size:
                break
        engine.cancel(handles, force=True)

        assert started == set(handles)
        until_exited(engine, handles)

    # SPEC 2.6-2
    def test_a_task_of_a_gang_finds_its_place_in_its_environment(self, engine: Engine) -> None:
        request = deed("environment:MF_PARALLEL_NODE_INDEX", "1_node_1")

        reports = run_one(engine, replace(request, gang=GangPlace("1", 2, 1)))

        assert text_of(reports) == b"1\n"

    # SPEC 7.2-5
    def test_children_that_a_task_leaves_end_with_it(self, engine: Engine) -> None:
        reports = run_one(engine, deed("children"))

        assert exit_of(reports).exit_code == 0
        assert all(gone(int(pid)) for pid in text_of(reports).split())

    # SPEC 7.2-5
    def test_a_daemon_does_not_hold_up_its_task_and_ends_with_the_engine(self, engine: Engine) -> None:
        reports = run_one(engine, deed("children:away"))
        engine.close()

        assert exit_of(reports).exit_code == 0
        assert all(gone(int(pid)) for pid in text_of(reports).split())

    def test_threads_left_running_do_not_hold_up_a_task(self, engine: Engine) -> None:
        assert exit_of(run_one(engine, deed("thread"))).exit_code == 0

    def test_what_runs_is_ended_by_cancel(self, engine: Engine) -> None:
        asked, forced = submit(engine, deed("sleep", "1"), deed("sleep", "2"))
        until_started(engine, forced)
        engine.cancel([asked])
        engine.cancel([forced], force=True)

        reports = until_exited(engine, [asked, forced])

        # A task may be cancelled before its interpreter is ready to be asked; then it is gone all the same.
        assert exit_of(reports[asked]).exit_code != 0
        assert exit_of(reports[forced]).signal == signal.SIGKILL

    def test_nothing_survives_close(self, engine: Engine) -> None:
        (handle,) = submit(engine, deed("sleep"))
        pid = until_started(engine, handle).pid

        engine.close()

        assert gone(pid)

    def test_a_killed_launcher_ends_its_tasks_and_each_is_reported(self, engine: Any) -> None:
        handles = submit(engine, *(deed("sleep", str(number)) for number in range(8)))
        pid = until_started(engine, handles[0]).pid
        os.kill(engine.launcher_pid, signal.SIGKILL)

        reports = until_exited(engine, handles)

        assert gone(pid)
        assert all("launcher" in exit_of(reports[handle]).error for handle in handles)
        assert "launcher" in exit_of(run_one(engine, deed("succeed", "late"))).error

    def test_no_descriptor_is_left_behind(self, engine: Engine) -> None:
        run_one(engine, deed("succeed", "first"))
        before = len(os.listdir("/proc/self/fd"))  # noqa: PTH208 - a count of names is all that is needed

        until_exited(engine, submit(engine, *(deed("succeed", str(number)) for number in range(20))))

        # Fewer may be open: what other tests have left is collected at any time.
        assert len(os.listdir("/proc/self/fd")) <= before  # noqa: PTH208

    # SPEC 7.1-5
    def test_tasks_do_not_share_random_state(self, engine: Engine) -> None:
        handles = submit(engine, *(deed("random", str(number)) for number in range(5)))

        reports = until_exited(engine, handles)

        assert len({text_of(reports[handle]) for handle in handles}) == 5

    # SPEC 6.2-1
    def test_a_step_s_own_variables_are_set_in_its_tasks_only(self, engine: Engine) -> None:
        policy = StepPolicy(variables=(("CONTRACT_COLOUR", "red"),))
        own, other = engine.submit(
            [
                (deed("environment:CONTRACT_COLOUR", "1"), policy),
                (deed("environment:CONTRACT_COLOUR", "2"), StepPolicy()),
            ]
        )

        reports = until_exited(engine, [own, other])

        assert text_of(reports[own]) == b"red\n"
        assert text_of(reports[other]) == b"unset\n"
