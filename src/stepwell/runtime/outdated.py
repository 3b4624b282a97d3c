"""What has changed since results were made: code of their step, or a parameter or config that it reads."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from stepwell.datastore.datastore import Datastore
from stepwell.datastore.preview import preview
from stepwell.definition.flow_definition import FlowDefinition
from stepwell.definition.step_code import step_code
from stepwell.metadata_store.store import MetadataStore
from stepwell.model.ids import PARAMETERS_STEP, PARAMETERS_TASK, TaskKey
from stepwell.model.pack import Pack
from stepwell.model.run import RunRecord
from stepwell.model.step_code import CLASS_CONSTANT, StepCode, changes
from stepwell.model.step_plan import StepPlan
from stepwell.runtime.parameters_task import values_in
from stepwell.scheduling.earlier import PastTask
from stepwell.scheduling.reuse import Outdated

_NOT_THERE = object()


class Changes:
    """Holds results against the code and the parameters of now.

    Parameters
    ----------
    parameters
        Their values now, by attribute.
    constants_stay
        Constants of the flow are those that the run began with, whatever its source says now.
    """

    def __init__(
        self,
        definition: FlowDefinition,
        datastore: Datastore,
        metadata: MetadataStore,
        parameters: Mapping[str, object],
        constants_stay: bool = False,
    ) -> None:
        self._definition = definition
        self._datastore = datastore
        self._metadata = metadata
        self._parameters = parameters
        self._constants_stay = constants_stay
        self._known: dict[str, dict[str, object]] = {}
        self._unknown: dict[str, None] = {}

    def outdated(self, tasks: Sequence[PastTask]) -> Outdated:
        """Return what has changed, for each step and execution of which there are results."""
        found: dict[tuple[str, str], tuple[str, ...]] = {}
        for step, made_by in dict.fromkeys((task.step, task.made_by) for task in tasks):
            if step in self._definition.graph:
                now = step_code(self._definition.flow_class, step, self._definition.inserted(step))
                reasons = (*self._of_code(step, made_by, now), *self._of_parameters(made_by, now))
                if reasons:
                    found[step, made_by] = reasons
        return found

    def constants(self, run: RunRecord) -> Iterator[str]:
        """Yield constants of the flow that steps read, if their source was another when the run began."""
        first = (run.fields.get("earlier-code-versions") or run.fields.get("code-version", "")).split(",")[0]
        kept = self._datastore.step_codes.read(run.flow, run.run, first)
        for step in self._definition.graph.nodes:
            before = None if kept is None else kept.step(step)
            if before is not None:
                found = changes(
                    before, step_code(self._definition.flow_class, step, self._definition.inserted(step))
                )
                yield from (str(change) for change in found if change.kind == CLASS_CONSTANT)

    def _of_code(self, step: str, made_by: str, now: StepCode) -> Iterator[str]:
        run, _, version = made_by.partition("/")
        kept = self._datastore.step_codes.read(self._definition.name, run, version)
        before = None if kept is None else kept.step(step)
        if before is None:
            return
        changed = dict.fromkeys(
            str(change)
            for change in changes(before, now)
            if not (self._constants_stay and change.kind == CLASS_CONSTANT)
        )
        if changed:
            yield f"code changed: {', '.join(changed)}"

    def _of_parameters(self, made_by: str, now: StepCode) -> Iterator[str]:
        known = self._parameters_of(made_by.partition("/")[0])
        for name, value in self._definition.configs.items():
            if known.get(name, value) != value and name in now.mentions:
                yield f"config changed: {name}"
        for parameter in self._definition.parameters:
            old, new = known.get(parameter.attribute, _NOT_THERE), self._parameters.get(parameter.attribute)
            if old is not _NOT_THERE and old != new and parameter.attribute in now.mentions:
                yield f"parameter changed: {parameter.name} ({preview(old)} -> {preview(new)})"

    def _parameters_of(self, run: str) -> dict[str, object]:
        if run not in self._known:
            record = self._metadata.run(self._definition.name, run)
            task = PARAMETERS_TASK if record is None else record.parameters_task
            first = self._datastore.pack(TaskKey(self._definition.name, run, PARAMETERS_STEP, task))
            names = [*(one.attribute for one in self._definition.parameters), *self._definition.configs]
            self._known[run] = {} if first is None else values_in(first, names, self._datastore)
        return self._known[run]


def parameters_in(definition: FlowDefinition, datastore: Datastore, first: Pack) -> dict[str, object]:
    """Return the values that a run began with, by attribute, of parameters that there are still."""
    return values_in(first, [parameter.attribute for parameter in definition.parameters], datastore)


def notices_of(steps: Sequence[StepPlan]) -> Iterator[str]:
    """Say which results are taken over although something has changed since they were made."""
    alike: dict[tuple[str, ...], list[str]] = {}
    for planned in steps:
        if planned.outdated:
            alike.setdefault(planned.outdated, []).append(planned.step)
    for reasons, names in alike.items():
        yield (
            f"Results of {', '.join(names)} are reused, but {'; '.join(reasons)}. `--rerun-changed` executes "
            f"{'this step' if len(names) == 1 else 'these steps'} again, and all that depends on "
            f"{'it' if len(names) == 1 else 'them'}."
        )
