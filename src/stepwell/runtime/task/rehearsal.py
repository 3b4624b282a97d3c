"""Does in a launcher, while it waits, what every task it forks would otherwise do for the first time.

First uses build decoders, fill the interpreter's caches and specialise its bytecode. Each writes to memory
that parent and child share: done after a fork, it is a page copied in every task.
"""

from __future__ import annotations

import time
from typing import Any

from stepwell.datastore.datastore import Datastore
from stepwell.definition.flow_definition import define
from stepwell.definition.flowspec import FlowSpec
from stepwell.definition.step import step
from stepwell.model.ids import PARAMETERS_STEP, PARAMETERS_TASK, TaskKey
from stepwell.model.pack import Pack
from stepwell.model.run import RunInfo
from stepwell.model.task import TaskOutcome, TaskRef, TaskRequest, TransitionTaken
from stepwell.runtime.task.step_function import StepFunction

ROUNDS = 10
"""CPython quickens a function on its eighth call, and specialises it on the next."""


class Rehearsal(FlowSpec):
    """What small tasks do: take an item, read an artifact, set another; and the join of them."""

    @step
    def start(self) -> None:
        self.base = 1
        self.items = [1, 2]
        self.next(self.work, foreach="items")

    @step
    def work(self) -> None:
        self.result = self.input + self.base
        self.next(self.join)

    @step
    def join(self, inputs: Any) -> None:
        self.total = sum(work.result for work in inputs)
        self.next(self.end)

    @step
    def end(self) -> None:
        self.done = True


def rehearse(datastore: Datastore) -> None:
    """Run tasks of a small flow in this process.

    Parameters
    ----------
    datastore
        One in memory: what they store is nobody's.
    """
    definition = define(Rehearsal)
    function = StepFunction(definition, datastore)
    now = time.time()
    for number in range(ROUNDS):
        run = str(number)
        info = RunInfo(flow=definition.name, run=run, script=definition.file, user="")
        key = TaskKey(definition.name, run, PARAMETERS_STEP, PARAMETERS_TASK)
        taken = TransitionTaken("linear", (definition.graph.start,))
        outcome = TaskOutcome(ok=True, started_at=now, ended_at=now, transition=taken)
        datastore.seal(Pack(key=key, attempt=0, outcome=outcome))
        for request in _requests(definition.name, run):
            function(info, request, _unheard)


def _requests(flow: str, run: str) -> list[TaskRequest]:
    def request(name: str, task: str, *parents: tuple[str, str], **more: Any) -> TaskRequest:
        refs = tuple(TaskRef(*parent) for parent in parents)
        return TaskRequest(key=TaskKey(flow, run, name, task), parents=refs, **more)

    start = ("start", "1")
    return [
        request(*start, (PARAMETERS_STEP, PARAMETERS_TASK)),
        request("work", "2", start, index=0),
        request("join", "3", ("work", "2"), split=TaskRef(*start)),
    ]


def _unheard(outcome: TaskOutcome) -> None:
    del outcome
