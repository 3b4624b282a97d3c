"""What becomes of each step in an execution that goes on from an earlier one, and why."""

from __future__ import annotations

from msgspec import Struct


class StepPlan(Struct, frozen=True, kw_only=True):
    """What becomes of a step.

    Attributes
    ----------
    reused
        How many tasks are taken over.
    executed
        How many of the earlier tasks are made again; there may be more that nobody knows of yet.
    why
        Why the step is executed; empty if all of it is taken over, or if it had no task and needs none.
    outdated
        What has changed since results were made that are taken over all the same.
    made_by
        The executions that made its earlier results, each as ``RUN/CODE-VERSION``.
    """

    step: str
    reused: int
    executed: int
    why: str = ""
    outdated: tuple[str, ...] = ()
    made_by: tuple[str, ...] = ()


class ExecutionPlan(Struct, frozen=True, kw_only=True):
    """What one `continue` or `resume` set out to do.

    Attributes
    ----------
    at
        When it began, in Unix time.
    origin
        The run that it took results from; of a run that goes on in place, itself.
    """

    at: float
    origin: str
    code_version: str
    steps: tuple[StepPlan, ...]
