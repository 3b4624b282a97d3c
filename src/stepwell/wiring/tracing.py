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

from stepwell.exceptions import UsageError
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
    endpoint, parent = _endpoint(settings), TraceContext.parse(os.environ.get("TRACEPARENT", ""))
    sends = bool(endpoint) and (parent is None or parent.sampled)
    is_ours = target is None or target == SHOWN
    path = _temporary() if is_ours else str(Path(str(target)).absolute())
    file = TraceFile.begin(path)
    context = None
    if endpoint:
        context = TraceContext.new() if parent is None else parent.inside()
    exporter = None
    if sends and context:
        own_s = _own_timeout_s()
        order = ExportOrder(
            file=path,
            is_ours=is_ours,
            context=str(context),
            parent="" if parent is None else str(parent),
            flow=flow,
            endpoint=endpoint,
            timeout_s=_TIMEOUT_S if own_s is None else None,
        )
        exporter = _Exporter(order, (own_s or _TIMEOUT_S) + _STARTS_WITHIN_S)
    trace = RunTrace(file, context, say if target == SHOWN else None)
    try:
        yield trace
    finally:
        trouble = trace.close()
        if trouble:
            say(f"The trace is not complete: {trouble}.")
        if exporter is not None:
            trouble = exporter.finish()
            if trouble:
                say(f"Traces could not be sent to {endpoint}: {trouble}")
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
