"""Stands in for the step function in an interpreter that could not import the flow."""

from __future__ import annotations

import os
import time
from collections.abc import Callable

from stepwell.datastore.datastore import Datastore
from stepwell.exceptions import StepwellException, StoreError
from stepwell.model.run import RunInfo
from stepwell.model.task import TaskOutcome, TaskRequest
from stepwell.runtime.task.failure import describe
from stepwell.runtime.task.kept_failure import keep_failure
from stepwell.runtime.task.own_words import say


class Unimportable:
    """Lets every task that it is given fail with the reason why the flow cannot be imported here.

    Parameters
    ----------
    error
        The reason.
    datastore
        Where the failure is kept.
    """

    def __init__(self, error: StepwellException, datastore: Datastore) -> None:
        self._error = error
        self._datastore = datastore

    def __call__(self, info: RunInfo, request: TaskRequest, report: Callable[[TaskOutcome], None]) -> int:
        """Say that the task has failed, and why; return the exit code of its process."""
        del info
        error, now = describe(self._error), time.time()
        say(f"{error.type}: {error.message}\n")
        outcome = TaskOutcome(ok=False, started_at=now, ended_at=now, error=error)
        try:
            keep_failure(self._datastore, request, outcome, os.getpid())
        except StoreError as trouble:
            say(f"The failure could not be kept: {trouble}\n")
        report(outcome)
        return 1
