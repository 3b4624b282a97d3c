"""A trace: everything that happens in the life of a run, one event a line."""

from __future__ import annotations

from msgspec import Struct


class TraceEvent(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Something that has happened. In a file, one JSON object a line; what does not apply is left out.

    Attributes
    ----------
    at, seconds
        When it was over (Unix time), and how long it took or, of a task that began, how long it waited.
    run
        ``FLOW/RUN``.
    step, task, attempt
        Whose event it is, if it is not the run's.
    name, bytes
        Of an artifact, and how long it is serialized.
    inputs
        How many inputs a join has.
    input
        ``STEP/TASK`` whose results were opened.
    kind, targets, num_splits, case
        Of a transition.
    state, error, exit_code
        How an attempt or the run ended.
    why, wait_s
        Of a retry.
    tasks, origin
        How many tasks were reused, and from which run.
    """

    at: float
    event: str
    seconds: float
    run: str = ""
    step: str = ""
    task: str = ""
    attempt: int | None = None
    pid: int = 0
    name: str = ""
    bytes: int | None = None
    inputs: int = 0
    input: str = ""
    kind: str = ""
    targets: tuple[str, ...] = ()
    num_splits: int | None = None
    case: str = ""
    state: str = ""
    error: str = ""
    exit_code: int | None = None
    why: str = ""
    wait_s: float | None = None
    tasks: int = 0
    origin: str = ""


class TraceTarget(Struct, frozen=True):
    """Where the processes of a run put their events.

    Attributes
    ----------
    file
        Every process appends to it.
    context
        The run's span as W3C ``traceparent``; empty if nobody collects spans.
    """

    file: str
    context: str = ""


class ExportOrder(Struct, frozen=True, kw_only=True):
    """What is to be sent, and where.

    Attributes
    ----------
    file
        The trace, to which others append.
    is_ours
        Whether it is deleted at the end.
    context, parent
        The run's span, and the one that the run was started in, as ``traceparent``.
    around
        If it is the trace of one task alone: the span that the task is in; empty if there is none.
    alone
        Whether it is that. The run's span is sent with the task that ends the run, if it is ``around``.
    timeout_s
        How long a request may take; None is what the standard variables say.
    """

    file: str
    is_ours: bool
    context: str
    parent: str
    flow: str
    endpoint: str
    timeout_s: float | None
    around: str = ""
    alone: bool = False
