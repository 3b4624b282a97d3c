"""What the result of a cached step depends on before it has read anything."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable

from stepwell.datastore.blobs import digest_of
from stepwell.datastore.datastore import Datastore
from stepwell.decorators.cache import Cache
from stepwell.definition.flow_definition import FlowDefinition
from stepwell.definition.flowspec import attach_live
from stepwell.definition.run_bound import run_bound_reads
from stepwell.definition.step_code import step_code
from stepwell.model.cache import CacheKey
from stepwell.model.ids import PARAMETERS_STEP, TaskKey
from stepwell.model.run import RunInfo
from stepwell.model.step_code import StepCode
from stepwell.model.task import TaskRequest
from stepwell.runtime.task.failure import said
from stepwell.runtime.task.inputs import TaskSource
from stepwell.runtime.task.live_step import Live
from stepwell.runtime.task.opened import open_inputs

_SHOWN = 100


class CacheKeys:
    """The keys of the tasks of one run.

    Parameters
    ----------
    warn
        Gets what the user should know of a step, once.
    """

    def __init__(
        self,
        definition: FlowDefinition,
        info: RunInfo,
        datastore: Datastore,
        warn: Callable[[str], None],
    ) -> None:
        self._definition = definition
        self._info = info
        self._datastore = datastore
        self._warn = warn
        self._of_steps: dict[str, CacheKey] = {}

    def of(self, request: TaskRequest) -> CacheKey:
        """Return the key of a task; one with a ``fault`` if the user's part of it cannot be had.

        Raises
        ------
        OSError, StoreError
            The source, or a parameter, cannot be read.
        """
        step = request.key.step
        known = self._of_steps.get(step)
        if known is None:
            known = self._of_steps[step] = self._of_step(step)
        decorator = self._decorator(step)
        if decorator is None or decorator.key is None:
            return known
        try:
            own = self._own_part(decorator, request)
        except Exception as error:  # noqa: BLE001 - the user's function, or what it reads: the task says so
            return CacheKey(
                fault=f"The `key` of @cache on step {step!r} failed: {said(error)}. It is called with the "
                "flow before the step runs; in a join that has parameters and constants only."
            )
        return _key({**known.made_of, "key": own})

    def _of_step(self, step: str) -> CacheKey:
        code = step_code(self._definition.flow_class, step, self._definition.inserted(step))
        policy = self._definition.policies[step]
        version = sys.version_info
        made_of = {"code": code.digest, "Python": f"{sys.implementation.name} {version[0]}.{version[1]}"}
        if policy.cache is not None and policy.cache.version:
            made_of["version"] = policy.cache.version
        if policy.cache is not None and policy.cache.ignore:
            made_of["ignore"] = ", ".join(policy.cache.ignore)
        for name, value in policy.variables:
            # Not the value: it may be anybody's secret.
            made_of[f"variable {name}"] = digest_of([value.encode(errors="surrogateescape")]).hex()[:16]
        made_of.update(self._constants(code))
        bound = [f"`{text}` ({where})" for text, where in run_bound_reads(code)]
        if bound:
            self._warn(
                f"Step {step!r} is cached and reads what is another in each run: {', '.join(bound)}. "
                "A result from the cache has what it was in the run that made it."
            )
        return _key(made_of)

    def _constants(self, code: StepCode) -> dict[str, str]:
        """Return what stands for constants that the code names: equal code may give them other values."""
        first = TaskKey(self._info.flow, self._info.run, PARAMETERS_STEP, self._info.parameters_task)
        pack = self._datastore.pack(first)
        own = {} if pack is None else {entry.name: entry for entry in pack.own}
        return {
            f"constant {name}": own[name].digest.hex()[:16]
            for name in self._definition.constants
            if name in own and name in code.mentions
        }

    def _decorator(self, step: str) -> Cache | None:
        found = (one for one in self._definition.decorators[step] if isinstance(one, Cache))
        return next(found, None)

    def _own_part(self, decorator: Cache, request: TaskRequest) -> str:
        """Call the user's function with the flow as the task would find it."""
        source = TaskSource(self._datastore, self._info)
        opened = open_inputs(self._definition, source, request)
        flow = self._definition.flow_class.__new__(self._definition.flow_class)
        node = self._definition.graph[request.key.step]
        live = Live(flow, self._definition, node, source, opened.entries, opened.frames, request.parents)
        attach_live(flow, live)
        try:
            value = decorator.key(flow) if decorator.key is not None else None
            return self._text_of(value)
        finally:
            attach_live(flow, None)

    def _text_of(self, value: object) -> str:
        """Return a text that equal values have in common: themselves if they are short and plain."""
        try:
            text = json.dumps(value, sort_keys=True)
        except (TypeError, ValueError):
            return self._datastore.save("key", value).digest.hex()
        return text if len(text) <= _SHOWN else digest_of([text.encode()]).hex()


def _key(made_of: dict[str, str]) -> CacheKey:
    prefix = digest_of([json.dumps(made_of, sort_keys=True).encode()])
    return CacheKey(made_of=made_of, prefix=prefix)
