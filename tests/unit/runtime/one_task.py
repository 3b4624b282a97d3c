"""Runs single tasks of a flow in this process, against a datastore in memory."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from stepwell.datastore.datastore import Datastore
from stepwell.definition.flow_definition import define
from stepwell.definition.flowspec import FlowSpec
from stepwell.definition.parameter_values import resolve
from stepwell.model.ids import PARAMETERS_STEP, TaskKey
from stepwell.model.pack import Pack
from stepwell.model.run import RunInfo
from stepwell.model.task import TaskOutcome, TaskRef, TaskRequest
from stepwell.runtime.parameters_task import commit_parameters
from stepwell.runtime.task.step_function import StepFunction
from stepwell.storages.memory import MemoryStorage

RUN = "7"
FIRST = (PARAMETERS_STEP, "0")


class Tasks:
    """Plays the executor: the test says which task runs next, and after which.

    Tasks are named ``(step, task)``; their ids count from 1 in the order of the calls.
    """

    def __init__(
        self,
        flow_class: type[FlowSpec],
        parameters: Mapping[str, object] | None = None,
        max_num_splits: int | None = None,
    ) -> None:
        self.definition = define(flow_class)
        self.datastore = Datastore.open(MemoryStorage())
        self.info = RunInfo(
            flow=self.definition.name,
            run=RUN,
            script="flow.py",
            user="tester",
            tags=("nice",),
            namespace="user:tester",
            max_num_splits=max_num_splits,
        )
        values = resolve(flow_class, parameters or {})
        commit_parameters(self.definition, values, self.info, self.datastore, 0.0)
        self._function = StepFunction(self.definition, self.datastore, preset_constants=True)
        self._count = 0

    def run(
        self,
        step: str,
        after: Sequence[tuple[str, str]] = (FIRST,),
        index: int | None = None,
        split: tuple[str, str] | None = None,
    ) -> TaskOutcome:
        """Run the next task; return what it says of itself."""
        self._count += 1
        said: list[TaskOutcome] = []
        request = TaskRequest(
            key=self._key(step, str(self._count)),
            parents=tuple(TaskRef(*parent) for parent in after),
            index=index,
            split=None if split is None else TaskRef(*split),
        )
        code = self._function(self.info, request, said.append)
        assert code == (0 if said[0].ok else 1)
        return said[0]

    def ok(self, step: str, *args: object, **kwargs: object) -> tuple[str, str]:
        """Run the next task, which must succeed; return its name."""
        outcome = self.run(step, *args, **kwargs)
        assert outcome.ok, outcome.error
        return step, str(self._count)

    def pack(self, task: tuple[str, str]) -> Pack:
        found = self.datastore.pack(self._key(*task))
        assert found is not None
        return found

    def failure(self, step: str, task: str = "1") -> Pack:
        [pack] = self.datastore.failures(self._key(step, task))
        return pack

    def names(self, task: tuple[str, str]) -> set[str]:
        return set(self.datastore.visible(self.pack(task))) - {"_graph_info"}

    def value(self, task: tuple[str, str], name: str) -> object:
        return self.datastore.load(self.info.flow, self.datastore.visible(self.pack(task))[name])

    def _key(self, step: str, task: str) -> TaskKey:
        return TaskKey(self.info.flow, RUN, step, task)
