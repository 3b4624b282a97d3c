"""A run's trace put together: the file, what is shown of it, and the process that sends it to a collector."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Generator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import NoReturn

import msgspec
from msgspec import Struct

from stepwell.exceptions import UsageError
from stepwell.model.run import AROUND_RUN, RUN_SPAN, TRACE_ID, RunRecord
from stepwell.model.trace import ExportOrder
from stepwell.runtime.tracing.run_trace import RunTrace
from stepwell.runtime.tracing.trace_context import TraceContext
from stepwell.runtime.tracing.trace_file import TraceFile
from stepwell.settings.settings import Settings

# No setting, so not `STEPWELL_...`: it goes from one of our processes to another.
_ORDER_VARIABLE = "_STEPWELL_TRACE_EXPORT"

_PACKAGE = "opentelemetry.exporter.otlp.proto.http"
_TIMEOUT_S = 3.0
_STARTS_WITHIN_S = 2.0
SHOWN = "-"
"""In place of a file: the trace is shown to the user."""


@contextmanager
def run_trace(
    target: str | None, flow: str, settings: Settings, say: Callable[[str], None]
) -> Generator[RunTrace]:
    """Have a run traced inside; what the trace's own troubles are is said at the end, and fails nothing.

    Parameters
    ----------
    target
        A file, `SHOWN`, or None if spans are to be sent only.

    Raises
    ------
    UsageError
        The file cannot be written, or what sends spans is not installed.
    """
    endpoint, parent = _endpoint(settings), _around()
    context = _span_in(parent) if endpoint else None
    spans = _Spans(flow, endpoint, context, parent)
    with _written(target, spans, say) as trace:
        yield trace


@contextmanager
def registration_trace(
    target: str | None, settings: Settings, say: Callable[[str], None]
) -> Generator[tuple[RunTrace, dict[str, str]]]:
    """Have the registration of a run traced inside; gives also what the run records of its span.

    That is sent by the task that ends the run. Raises what `run_trace` raises.
    """
    context, parent = None, _around()
    if _endpoint(settings) and (parent is None or parent.sampled):
        context = _span_in(parent)
    with _written(target, _Spans("", "", context, parent), say) as trace:
        if context is None:
            yield trace, {}
        else:
            around = {} if parent is None else {AROUND_RUN: str(parent)}
            yield trace, {TRACE_ID: context.trace, RUN_SPAN: str(context), **around}


@contextmanager
def task_trace(
    target: str | None, run: RunRecord, settings: Settings, say: Callable[[str], None]
) -> Generator[RunTrace]:
    """Have one task of a run traced inside that a scheduler drives.

    Its span lies in the one that the variable `TRACEPARENT` names, else in that of the run.

    Raises what `run_trace` raises.
    """
    endpoint, of_run = _endpoint(settings), TraceContext.parse(run.fields.get(RUN_SPAN, ""))
    around = _around() or of_run
    context = (around or TraceContext.new()) if endpoint else None
    parent = TraceContext.parse(run.fields.get(AROUND_RUN, "")) if around == of_run else None
    spans = _Spans(run.flow, endpoint, context, parent, around, alone=True)
    with _written(target, spans, say) as trace:
        yield trace


class _Spans(Struct, frozen=True):
    """Which spans are sent, and where to; ``context`` is the run's, or stands for it."""

    flow: str
    endpoint: str
    context: TraceContext | None
    parent: TraceContext | None
    around: TraceContext | None = None
    alone: bool = False

    @property
    def are_sent(self) -> bool:
        return bool(self.endpoint) and self.context is not None and self.context.sampled

    def order(self, file: str, is_ours: bool, timeout_s: float | None) -> ExportOrder:
        parent, around = ("" if one is None else str(one) for one in (self.parent, self.around))
        return ExportOrder(
            file=file,
            is_ours=is_ours,
            context=str(self.context),
            parent=parent,
            flow=self.flow,
            endpoint=self.endpoint,
            timeout_s=timeout_s,
            around=around,
            alone=self.alone,
        )


def _around() -> TraceContext | None:
    return TraceContext.parse(os.environ.get("TRACEPARENT", ""))


def _span_in(parent: TraceContext | None) -> TraceContext:
    return TraceContext.new() if parent is None else parent.inside()


@contextmanager
def _written(target: str | None, spans: _Spans, say: Callable[[str], None]) -> Generator[RunTrace]:
    is_ours = target is None or target == SHOWN
    path = _temporary() if is_ours else str(Path(str(target)).absolute())
    file = TraceFile.begin(path)
    exporter = None
    if spans.are_sent:
        own_s = _own_timeout_s()
        order = spans.order(path, is_ours, _TIMEOUT_S if own_s is None else None)
        exporter = _Exporter(order, (own_s or _TIMEOUT_S) + _STARTS_WITHIN_S)
    trace = RunTrace(file, spans.context, say if target == SHOWN else None)
    try:
        yield trace
    finally:
        trouble = trace.close()
        if trouble:
            say(f"The trace is not complete: {trouble}.")
        if exporter is not None:
            trouble = exporter.finish()
            if trouble:
                say(f"Traces could not be sent to {spans.endpoint}: {trouble}")
        elif is_ours:
            Path(path).unlink(missing_ok=True)


def serve_exporter() -> NoReturn:
    """Be the process that sends a run's spans."""
    from stepwell.runtime.tracing.export import export  # the extra `otel`

    order = msgspec.json.decode(os.environ.pop(_ORDER_VARIABLE), type=ExportOrder)
    trouble = export(order, ending=0)
    os.write(1, trouble.encode())
    os._exit(0)


def _endpoint(settings: Settings) -> str:
    """Return the whole address that spans go to; empty if none is set, or the standard says not to.

    Raises
    ------
    UsageError
    """
    value = settings.value("OTEL_ENDPOINT")
    if not value.text or os.environ.get("OTEL_SDK_DISABLED", "").lower() == "true":
        return ""
    if not value.text.startswith(("http://", "https://")):
        raise UsageError(
            f"STEPWELL_OTEL_ENDPOINT must be the http or https address of an OTLP collector; it is "
            f"{value.text!r} (from {value.origin}). Write, for instance, http://localhost:4318."
        )
    if not _is_installed():
        raise UsageError(
            f"STEPWELL_OTEL_ENDPOINT (from {value.origin}) asks for traces to be sent, which needs the extra "
            "`stepwell[otel]`. Install it with `pip install 'stepwell[otel]'`, or take the setting away."
        )
    address = value.text.rstrip("/")
    return address if address.endswith("/v1/traces") else f"{address}/v1/traces"


def _is_installed() -> bool:
    try:
        return find_spec(_PACKAGE) is not None and find_spec("opentelemetry.sdk") is not None
    except ModuleNotFoundError:
        return False


def _temporary() -> str:
    fd, path = tempfile.mkstemp(prefix="stepwell-trace-", suffix=".jsonl")
    os.close(fd)
    return path


class _Exporter:
    """The process that sends spans, as the run process sees it."""

    def __init__(self, order: ExportOrder, patience_s: float) -> None:
        self._patience_s = patience_s
        # A session of its own: Ctrl-C ends the run, whose last events are to be sent.
        self._process = subprocess.Popen(
            (sys.executable, "-m", "stepwell", "trace-export"),
            env={**os.environ, _ORDER_VARIABLE: msgspec.json.encode(order).decode()},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )

    def finish(self) -> str:
        """Let it send the rest; return what went wrong, or nothing."""
        try:
            said = self._process.communicate(timeout=self._patience_s)[0].decode(errors="replace")
        except (subprocess.TimeoutExpired, KeyboardInterrupt):
            self._process.kill()
            self._process.communicate()
            return f"no answer within {self._patience_s:g} s."
        if self._process.returncode:
            return f"its process ended with exit code {self._process.returncode}."
        return said


def _own_timeout_s() -> float | None:
    """Return the timeout that the standard variables give, in seconds."""
    for name in ("OTEL_EXPORTER_OTLP_TRACES_TIMEOUT", "OTEL_EXPORTER_OTLP_TIMEOUT"):
        try:
            return float(os.environ[name])
        except (KeyError, ValueError):
            continue
    return None
