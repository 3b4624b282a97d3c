"""A trace as OpenTelemetry spans: run > step > task > attempt. What happens inside is an event of its span.

Needs the extra ``otel``, and is imported in the process that exports spans only.
"""

from __future__ import annotations

from collections.abc import Mapping

import msgspec
from opentelemetry import trace as api
from opentelemetry.context import Context
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.id_generator import IdGenerator
from opentelemetry.trace import NonRecordingSpan, Span, SpanContext, Status, StatusCode, TraceFlags

from stepwell.model.trace import ExportOrder, TraceEvent
from stepwell.runtime.tracing.trace_context import TraceContext
from stepwell.version import VERSION

_FAILED = frozenset({"failed", "killed", "retrying", "interrupted"})
_TASK = 2
"""How long the place of a task's span is; those of attempts are longer."""

_OF_THE_SPAN = frozenset({"at", "event", "run", "step", "task", "attempt", "targets"})


class _Ids(IdGenerator):
    """Gives the ids that every process of the run knows."""

    def __init__(self, run: TraceContext) -> None:
        self.next = run

    def generate_trace_id(self) -> int:
        return int(self.next.trace, 16)

    def generate_span_id(self) -> int:
        return int(self.next.span, 16)


class _Finished(SpanProcessor):
    def __init__(self) -> None:
        self.spans: list[ReadableSpan] = []

    def on_end(self, span: ReadableSpan) -> None:
        if span.context is not None and span.context.trace_flags.sampled:
            self.spans.append(span)


class Spans:
    """Makes spans of events, in the order in which these were written.

    Sampler, limits and resource are those of the standard ``OTEL_*`` variables.

    Parameters
    ----------
    order
        Says whose spans they are, and what they lie in.
    """

    def __init__(self, order: ExportOrder) -> None:
        run = TraceContext.parse(order.context)
        assert run is not None, "we have made it"
        resource = Resource.create({"service.version": VERSION, "stepwell.flow": order.flow})
        if str(resource.attributes.get("service.name", "")).startswith("unknown_service"):
            resource = resource.merge(Resource({"service.name": "stepwell"}))
        self._run = run
        self._parent = TraceContext.parse(order.parent)
        self._alone = order.alone
        self._around = TraceContext.parse(order.around)
        self._ids = _Ids(run)
        self._done = _Finished()
        provider = TracerProvider(resource=resource, id_generator=self._ids, shutdown_on_exit=False)
        provider.add_span_processor(self._done)
        self._tracer = provider.get_tracer("stepwell", VERSION)
        self._open: dict[tuple[str, ...], Span] = {}
        self._seen: list[TraceEvent] = []
        self._last = 0.0

    def taken(self) -> list[ReadableSpan]:
        """Return the spans that have ended since the last call."""
        spans, self._done.spans = self._done.spans, []
        return spans

    def feed(self, event: TraceEvent) -> None:
        """Take the next event."""
        self._last = max(self._last, event.at)
        if not event.step:
            self._feed_run(event)
        elif event.event == "tasks_reused":
            self._note((), event)
        else:
            self._feed_task(event)

    def finish(self) -> None:
        """End what is open: the run process was killed. A task alone that is tried again has not ended."""
        places = list(self._open)
        if self._alone and not any(len(place) > _TASK for place in places):
            return
        for place in reversed(places):
            self._end(place, self._last, "the run process has gone")

    def _feed_run(self, event: TraceEvent) -> None:
        if self._alone:
            if event.event == "run_ended" and self._around == self._run:
                self._begin_run(event, event.at - event.seconds)
                self._end_run(event)
            return
        if event.event == "run_registered":
            began = min([event.at - event.seconds, *(early.at - early.seconds for early in self._seen)])
            self._begin_run(event, began)
            for early in self._seen:
                self._note((), early)
        elif not self._open:
            self._seen.append(event)
            return
        self._note((), event)
        if event.event == "run_ended":
            for place in [place for place in self._open if place]:
                self._end(place, event.at)
            self._end_run(event)

    def _begin_run(self, event: TraceEvent, at: float) -> None:
        self._begin((), f"run {event.run.partition('/')[0]}", at, {"stepwell.run": event.run})

    def _end_run(self, event: TraceEvent) -> None:
        trouble = event.error or event.state if event.state in _FAILED else None
        self._end((), event.at, trouble, event.state)

    def _feed_task(self, event: TraceEvent) -> None:
        step, task = (event.step,), (event.step, event.task)
        attempt = (*task, str(event.attempt or 0))
        if event.event in ("joined", "task_ready"):
            if not self._alone:  # nobody knows then when a step begins and ends
                self._begin(step, f"step {event.step}", event.at, {"stepwell.step": event.step})
            about = {"stepwell.step": event.step, "stepwell.task": event.task}
            self._begin(task, f"task {event.step}", event.at, about)
        elif event.event in ("task_started", "task_exited"):
            # An attempt that died before its first word begins when its process did.
            began = event.at if event.event == "task_started" else event.at - event.seconds
            about = {"stepwell.step": event.step, "stepwell.task": event.task}
            number = {"stepwell.attempt": event.attempt or 0, "process.pid": event.pid}
            self._begin(attempt, f"attempt {event.step}", began, {**about, **number})
        self._note(attempt if attempt in self._open else task, event)
        if event.event == "task_exited":
            trouble = event.error or event.state if event.state in _FAILED else None
            self._end(attempt, event.at, trouble, event.state)
            if event.state != "retrying":
                self._end(task, event.at, trouble, event.state)

    def _begin(self, place: tuple[str, ...], name: str, at: float, about: Mapping[str, str | int]) -> None:
        """Begin the span of a place, unless it has begun."""
        if place in self._open:
            return
        context = Context()
        if place:
            self._ids.next = self._run.child(*place)
            around = self._open.get(place[:-1]) or self._outside
            context = api.set_span_in_context(around, context) if around is not None else context
        else:
            self._ids.next = self._run
            if self._parent is not None:
                context = api.set_span_in_context(NonRecordingSpan(_context(self._parent)), context)
        self._open[place] = self._tracer.start_span(name, context, attributes=about, start_time=_ns(at))

    @property
    def _outside(self) -> Span | None:
        return None if self._around is None else NonRecordingSpan(_context(self._around))

    def _note(self, place: tuple[str, ...], event: TraceEvent) -> None:
        span = self._open.get(place)
        if span is not None:
            fields = msgspec.to_builtins(event)
            about = {key: value for key, value in fields.items() if key not in _OF_THE_SPAN}
            if event.targets:
                about["targets"] = list(event.targets)
            span.add_event(event.event, about, _ns(event.at))

    def _end(self, place: tuple[str, ...], at: float, trouble: str | None = None, state: str = "") -> None:
        span = self._open.pop(place, None)
        if span is not None:
            if state:
                span.set_attribute("stepwell.state", state)
            if trouble is not None:
                span.set_status(Status(StatusCode.ERROR, trouble))
            span.end(_ns(at))


def _context(of: TraceContext) -> SpanContext:
    flags = TraceFlags(int(of.flags, 16))
    return SpanContext(int(of.trace, 16), int(of.span, 16), is_remote=True, trace_flags=flags)


def _ns(seconds: float) -> int:
    return int(seconds * 1e9)
