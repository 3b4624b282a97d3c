"""Keeps the code of the steps of a run, while its first tasks run: nobody waits for it but the end."""

from __future__ import annotations

import threading

from stepwell.datastore.datastore import Datastore
from stepwell.definition.flow_definition import FlowDefinition
from stepwell.exceptions import StoreError
from stepwell.model.run import RunInfo


class StepCodeKeeper:
    """Works out the code of every step and stores it, in a thread of its own once it is started."""

    def __init__(self, definition: FlowDefinition, info: RunInfo, datastore: Datastore) -> None:
        self._definition = definition
        self._info = info
        self._datastore = datastore
        self._error = ""
        self._thread = threading.Thread(target=self._keep, name="stepwell-step-code", daemon=True)

    def start(self) -> None:
        """Begin, once the first tasks are on their way."""
        self._thread.start()

    def fields(self) -> dict[str, str]:
        """Wait for the end; return the run's field about a failure, if there was one."""
        if self._thread.ident is not None:
            self._thread.join()
        return {"step-code-error": self._error} if self._error else {}

    def _keep(self) -> None:
        try:
            keep_step_codes(self._definition, self._info, self._datastore)
        except (OSError, StoreError) as error:
            self._error = str(error)


def keep_step_codes(definition: FlowDefinition, info: RunInfo, datastore: Datastore) -> None:
    """Store the code of every step, as this execution of a run has it.

    Raises
    ------
    StoreError
        It cannot be stored.
    """
    # No import of a run's start: what follows names through source is needed while tasks run.
    from stepwell.definition.step_code import step_code
    from stepwell.model.step_code import FlowCode

    codes = {
        step: step_code(definition.flow_class, step, definition.inserted(step))
        for step in definition.graph.nodes
    }
    datastore.step_codes.write(info.flow, info.run, info.code_version, FlowCode.of(codes))
