"""``show``: the steps of a flow, or what became of a run, a step or a task."""

from __future__ import annotations

import json
import time
from collections.abc import Collection, Iterator
from math import isnan
from typing import TYPE_CHECKING, Any, cast

import click
import msgspec

from stepwell.cli.addresses import ADDRESSES, Address
from stepwell.cli.context import CliContext, current_context
from stepwell.cli.stores import find_in, stores_of
from stepwell.cli.wording import asked_for, counted, took, used
from stepwell.client.graph import steps_in_order
from stepwell.client.previews import entries_of, preview
from stepwell.client.scope import Connection
from stepwell.client.stored import StoredRun
from stepwell.definition.loops import find_loops
from stepwell.definition.transition import Foreach, Gang, Switch, Transition
from stepwell.exceptions import UsageError
from stepwell.model.amounts import duration
from stepwell.model.ids import PARAMETERS_STEP, TaskKey
from stepwell.model.policy import Resources
from stepwell.model.run import CAUGHT, RETRY_AT, RunRecord, TaskRecord
from stepwell.model.task_record import brief, origin_in

if TYPE_CHECKING:
    from stepwell.definition.flow_definition import FlowDefinition
    from stepwell.model.pack import Pack
    from stepwell.wiring.stores import Stores

_TASKS_SHOWN = 50
_FACT_SHOWN = 200
_ATTEMPTS_SHOWN = 10


def command(flow_class: object) -> click.Command:
    """Build the command; only without a flow the address is needed."""
    argument = click.Argument(["address"], required=flow_class is None, metavar="[FLOW/]RUN[/STEP[/TASK]]")
    text = f"Show the flow's steps, or describe a run, a step or a task. {ADDRESSES}"
    params: list[click.Parameter] = [argument]
    if flow_class is not None:
        help = "Print the decorators of the flow and its steps, with arguments, and who put them there."
        params.append(click.Option(["decorators", "--decorators"], is_flag=True, help=help))
    return click.Command("show", params=params, callback=show, help=text)


def show(address: str | None, decorators: bool = False) -> None:
    """Print the description."""
    context = current_context()
    if address is not None and decorators:
        raise UsageError("--decorators is for the flow: leave out the address of a run.")
    if decorators:
        from stepwell.cli.decorator_lines import decorator_lines  # for this option only

        lines = decorator_lines(context.define(look_into_steps=False))
    elif address is None:
        lines = flow_lines(context.define(look_into_steps=False))
    else:
        lines = _stored(context, address)
    for line in lines:
        context.console.data(line)


def flow_lines(definition: FlowDefinition) -> Iterator[str]:
    """Yield the flow in graph order: each step with decorators, docstring and its targets after ``=>``."""
    yield f"Flow {definition.name}"
    yield from _indented(definition.doc)
    for spec in definition.parameters:
        yield f"Parameter {spec.attribute}: {spec.type_name}{' (required)' if spec.required else ''}"
    for node in definition.graph:
        yield ""
        for decorator in definition.decorators[node.name]:
            yield f"@{decorator.name}"
        targets = f" => {', '.join(node.targets)}" if node.targets else ""
        yield f"Step {node.name}{targets}"
        yield from _ways(node.transition)
        yield from _indented(node.doc)


def _ways(transition: Transition) -> Iterator[str]:
    if isinstance(transition, Foreach | Gang):
        yield f"  {_opened(transition)}"
    if not isinstance(transition, Switch):
        return
    yield f"  switch by {transition.condition or 'its own code'}"
    for case in transition.cases:
        kind = f" ({_opened(case.way)})" if isinstance(case.way, Foreach | Gang) else ""
        yield f"    {case.label}: {', '.join(case.way.targets)}{kind}"


def _opened(way: Foreach | Gang) -> str:
    if isinstance(way, Gang):
        return f"gang of {way.size}"
    least = f", min_success={way.min_success}" if way.min_success is not None else ""
    return f"foreach {way.var or way.expr}{least}"


def _indented(text: str) -> Iterator[str]:
    for line in text.splitlines():
        yield f"    {line.strip()}".rstrip()


def _stored(context: CliContext, address: str) -> Iterator[str]:
    stores = stores_of(context)
    found = find_in(context, stores, address)
    if found.task is not None:
        yield from _task(context, stores, found.task)
    elif found.step is not None:
        yield from _step(found)
    else:
        yield from _run(context, stores, found)


def _run(context: CliContext, stores: Stores, found: Address) -> Iterator[str]:
    run = found.run
    yield f"Run {run.flow}/{run.run}: {run.state.value}{f' ({run.reason})' if run.reason else ''}"
    yield f"  user      {run.user}"
    yield f"  started   {_clock(run.created_at)}"
    if run.finished_at:
        yield f"  took      {took(run)}"
    if run.tags:
        yield f"  tags      {', '.join(run.tags)}"
    yield from _surroundings(run)
    yield from _code(run)
    pack = stores.datastore.pack(TaskKey(run.flow, run.run, PARAMETERS_STEP, run.parameters_task))
    for entry in pack.own if pack is not None else ():
        if not entry.name.startswith("_"):
            yield f"  parameter {entry.name} = {entry.preview}"
    kept = StoredRun(Connection(stores.metadata.location, stores), run.flow, run.run, run)
    # In the order of the graph; where that cannot be read, in the order in which they began.
    counts: dict[str, list[str]] = {step: [] for step in steps_in_order(kept)}
    for count in kept.steps():
        if count.step != PARAMETERS_STEP:
            counts.setdefault(count.step, []).append(f"{count.tasks} {count.state}")
    counts = {step: states for step, states in counts.items() if states}
    skipped = _skipped(stores, pack, counts) if pack is not None and run.state.finished else ()
    for step, states in counts.items():
        yield f"  step      {step}: {', '.join(states)}"
    for step in skipped:
        yield f"  step      {step}: skipped"
    if counts:
        last = list(counts)[-1]
        yield f"Next: `{context.hint('show', f'{run.flow}/{run.run}/{last}')}` shows the tasks of a step."


def _skipped(stores: Stores, parameters: Pack, begun: Collection[str]) -> list[str]:
    """Return steps that have no task although what comes after them has begun.

    They stand behind an empty foreach, or in a way that a switch did not take. In a loop a switch may still
    take it, until the loop is left.
    """
    entry = next((entry for entry in parameters.own if entry.name == "_graph_info"), None)
    if entry is None:
        return []
    info = cast("dict[str, Any]", stores.datastore.load(parameters.key.flow, entry))
    steps = cast("dict[str, dict[str, Any]]", info["steps"])
    targets = {name: tuple(steps[name]["next"]) for name in steps}
    after = {name: set(targets[name]) for name in steps}
    for loop in reversed(find_loops(info["start_step"], targets, steps).loops):  # the outermost comes last
        out = {target for name in loop.steps for target in targets[name]} - loop.steps
        after.update(dict.fromkeys(loop.steps, out))
    passed: set[str] = set()
    for name in reversed(steps):  # in graph order: what follows a step stands after it
        if any(target in begun or target in passed for target in after[name]):
            passed.add(name)
    return [name for name in steps if name in passed and name not in begun]


def _surroundings(run: RunRecord) -> Iterator[str]:
    known = {"python_version": "Python", "stepwell_version": "Stepwell"}
    versions = (f"{name} {run.fields[field]}" for field, name in known.items() if field in run.fields)
    yield f"  ran on    {', '.join((run.host or 'an unknown machine', *versions))}"
    if command := run.fields.get("command"):
        yield f"  command   {command}"


def _code(run: RunRecord) -> Iterator[str]:
    version, git = run.fields.get("code-version"), run.fields.get("git-info")
    if version:
        yield f"  code      {version}{f' (git {git})' if git else ''}"
    for earlier in filter(None, run.fields.get("earlier-code-versions", "").split(",")):
        yield f"            {earlier} before the run was continued"
    if lost := run.fields.get("code-package-error"):
        yield f"            its files could not be kept: {lost}"
    if lost := run.fields.get("step-code-error"):
        yield f"            the code of its steps could not be kept: {lost}"


def _step(found: Address) -> Iterator[str]:
    yield f"Step {found.run.flow}/{found.run.run}/{found.step}: {counted(len(found.tasks), 'task')}"
    for task in found.tasks[:_TASKS_SHOWN]:
        index = f"  [{task.index_path}] {task.label}".rstrip() if task.index_path else ""
        yield f"  {task.task}  {task.state.value}{index}{_remark(task)}"
    if len(found.tasks) > _TASKS_SHOWN:
        yield f"  and {len(found.tasks) - _TASKS_SHOWN} more"


def _remark(task: TaskRecord) -> str:
    """Return, in a line, what is not usual about a task."""
    parts = [f"attempt {task.attempt}"] if task.attempt else []
    if again := task.fields.get(RETRY_AT):
        parts.append(f"again at {_clock(float(again))}")
    if caught := task.fields.get(CAUGHT):
        parts.append(f"caught {caught}")
    elif task.error:
        parts.append(task.error.splitlines()[0])
    return f"  {', '.join(parts)}" if parts else ""


def _task(context: CliContext, stores: Stores, task: TaskRecord) -> Iterator[str]:
    key = TaskKey(task.flow, task.run, task.step, task.task)
    yield f"Task {key.pathspec}: {task.state.value}"
    yield from _past(task)
    if task.attempt:
        yield from _attempts(context, stores, task, key)
    if task.index_path:
        yield f"  item      [{task.index_path}] {task.label}".rstrip()
    if task.started_at:
        yield f"  started   {_clock(task.started_at)}"
        if task.finished_at:
            yield f"  took      {duration(task.finished_at - task.started_at)}"
    if task.host:
        yield f"  ran on    {task.host} (pid {task.pid})"
    if task.parents:
        yield f"  parents   {task.parents}"
    pack = stores.datastore.pack(key) or stores.datastore.pack(key, task.attempt)
    if pack is not None:
        yield from _way(pack)
        yield from _needs(pack)
        yield from _cache(stores, task, pack)
        for name, entry in sorted(entries_of(stores.datastore, pack).items()):
            if not name.startswith("_"):
                yield f"  artifact  {name} = {preview(stores.datastore, pack, entry)}"
        yield from _notes(pack)
    error = pack.outcome.error if pack is not None else None
    text = (error.frames or f"{error.type}: {error.message}") if error is not None else task.error
    yield from (f"    {line}".rstrip() for line in text.splitlines())


def _way(pack: Pack) -> Iterator[str]:
    """Yield in which iteration of a loop a task was, and which case of a switch it took."""
    if pack.iterations:
        yield f"  iteration {', '.join(map(str, pack.iterations))}"
    taken = pack.outcome.transition
    if taken is not None and taken.case:
        yield f"  case      {taken.case} => {', '.join(taken.targets)}"


def _cache(stores: Stores, task: TaskRecord, pack: Pack) -> Iterator[str]:
    """Yield why a task of a cached step took the result of another, or none."""
    if not pack.observed:
        return
    from stepwell.client.cache_explained import CacheExplained  # few steps are cached

    decision = CacheExplained(stores.datastore, stores.metadata).decision(task)
    for reason in decision.reasons if decision is not None else ():
        yield f"  cache     {reason}"
    for one in decision.changes if decision is not None else ():
        yield from (f"    {line}".rstrip() for line in one.diff)


def _needs(pack: Pack) -> Iterator[str]:
    """Yield what the attempt's step asks for, and what it used."""
    if asked := pack.fields.get("resources"):
        yield f"  asked for {asked_for(msgspec.json.decode(asked, type=Resources))}"
    if measured := used(pack.fields):
        yield f"  used      {measured}"


def _past(task: TaskRecord) -> Iterator[str]:
    """Yield what else became of the task."""
    if again := task.fields.get(RETRY_AT):
        yield f"  again at  {_clock(float(again))}"
    if caught := task.fields.get(CAUGHT):
        yield f"  caught    {caught}"
    if (origin := origin_in(task)) is not None:
        yield f"  {task.state.value:<9} from {origin.pathspec}"


def _attempts(context: CliContext, stores: Stores, task: TaskRecord, key: TaskKey) -> Iterator[str]:
    """Yield a line for each attempt before the one that is shown."""
    kept = {pack.attempt: pack.outcome for pack in stores.datastore.failures(key)}
    for number in range(max(0, task.attempt - _ATTEMPTS_SHOWN), task.attempt):
        outcome = kept.get(number)
        if outcome is None:
            yield f"  attempt   {number} ended without a trace"
        else:
            error = brief(outcome.error) if outcome.error is not None else "no reason is known"
            took = duration(outcome.ended_at - outcome.started_at)
            yield f"  attempt   {number} failed after {took}: {error}"
    logs = context.hint("logs", f"{key.pathspec} --attempt N")
    yield f"  attempt   {task.attempt} is this one; `{logs}` prints what another one said"


def _notes(pack: Pack) -> Iterator[str]:
    for name, stored in pack.facts.items():
        text = json.dumps(json.loads(stored), ensure_ascii=False)
        yield f"  fact      {name} = {text if len(text) <= _FACT_SHOWN else f'{text[:_FACT_SHOWN]}...'}"
    for name, points in pack.metrics.items():
        values = [point.value for point in points if not isnan(point.value)]
        extent = f" (from {min(values):g} to {max(values):g})" if len(values) > 1 else ""
        yield f"  metric    {name} = {points[-1].value:g} at step {points[-1].step:.10g}{extent}"


def _clock(at: float) -> str:
    return time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(at))
