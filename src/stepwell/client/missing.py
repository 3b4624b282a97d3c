"""What to say when a part of a pathspec does not exist: which one, and what exists there."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from stepwell.definition.nearest import did_you_mean, listed
from stepwell.exceptions import StepwellNotFound
from stepwell.metadata_store.store import MetadataStore, RunQuery, TaskQuery
from stepwell.model.run import TaskRecord

_SHOWN = 10


def no_flow(metadata: MetadataStore, flow: str) -> StepwellNotFound:
    """Say that no run of the flow exists."""
    flows = metadata.flows()
    known = f"Flows that have runs: {listed(flows)}." if flows else "No flow has run here yet."
    return StepwellNotFound(
        _joined(f"There is no flow `{flow}` in {metadata.location}.", did_you_mean(flow, flows), known)
    )


def no_run(
    metadata: MetadataStore, flow: str | None, run: str, words: Iterable[str] = ()
) -> StepwellNotFound:
    """Say that the run, or already its flow, does not exist; ``words`` are what may stand for an id."""
    newest = metadata.runs(RunQuery(flow=flow, limit=_SHOWN))
    if not newest and flow is not None:
        return no_flow(metadata, flow)
    known = [f"{record.flow}/{record.run}" for record in newest]
    advice = (
        f"The newest are: {listed(known)}." if known else f"There are no runs in {metadata.location} yet."
    )
    of_flow = "" if flow is None else f"{flow}/"
    return StepwellNotFound(_joined(f"There is no run `{of_flow}{run}`.", did_you_mean(run, words), advice))


def no_step(
    metadata: MetadataStore, flow: str, run: str, step: str, instead: Sequence[str] = ()
) -> StepwellNotFound:
    """Say that no task of the step has started in the run; ``instead`` is what those before it did."""
    if instead:
        return StepwellNotFound(_joined(f"Step `{step}` of run {flow}/{run} has no task.", *instead))
    begun = dict.fromkeys(count.step for count in metadata.steps(flow, run))
    steps = [name for name in begun if not name.startswith("_")]
    return StepwellNotFound(
        _joined(
            f"Run {flow}/{run} has no step `{step}`.",
            did_you_mean(step, steps),
            f"Its steps so far are: {listed(steps)}." if steps else "None of its steps has started.",
        )
    )


def no_task(metadata: MetadataStore, flow: str, run: str, step: str, task: str) -> StepwellNotFound:
    """Say that the task does not exist; ``task`` is an id, or indexes in square brackets."""
    found = metadata.tasks(TaskQuery(flow=flow, run=run, step=step, ascending=True, limit=_SHOWN + 1))
    if not found:
        return no_step(metadata, flow, run, step)
    known = ", ".join(map(_shown, found[:_SHOWN])) + (" and more" if len(found) > _SHOWN else "")
    place = f"{step}{task}" if task.startswith("[") else f"{step}/{task}"
    return StepwellNotFound(f"There is no task {flow}/{run}/{place}. Tasks of the step: {known}.")


def no_artifact(pathspec: str, name: str, names: list[str]) -> StepwellNotFound:
    """Say that the task has no such artifact."""
    public = [known for known in names if not known.startswith("_")]
    return StepwellNotFound(
        _joined(
            f"Task {pathspec} has no artifact `{name}`.",
            did_you_mean(name, names),
            f"It has: {listed(public)}." if public else "It has none.",
        )
    )


def _shown(task: TaskRecord) -> str:
    return f"`{task.task}`{f' [{task.index_path}]' if task.index_path else ''}"


def _joined(*sentences: str) -> str:
    return " ".join(sentence for sentence in sentences if sentence)
