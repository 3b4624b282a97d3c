"""Sends a trace to a collector, in a process of its own: whatever the collector does, the run goes on.

Needs the extra ``otel``.
"""

from __future__ import annotations

import logging
import os
import socket
import threading
from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SpanExportResult

from stepwell.model.trace import ExportOrder
from stepwell.runtime.tracing.spans import Spans
from stepwell.runtime.tracing.trace_file import TraceReader

_EVERY_S = 1.0
_CONNECTS_WITHIN_S = 2.0
_BATCH = 512
_MOST_KEPT = 50_000


def export(order: ExportOrder, ending: int) -> str:
    """Send spans as they end, until the descriptor ``ending`` says that the run has gone and all is sent.

    Returns
    -------
    str
        Why spans were lost, or nothing.
    """
    sender = _Sender(order.endpoint, order.timeout_s)
    spans, reader = Spans(order), TraceReader(order.file)
    parent, ended = os.getppid(), False
    hung_up = threading.Event()
    threading.Thread(target=_await_end, args=(ending, hung_up), daemon=True).start()
    try:
        while not ended:
            # A copy of the pipe may outlive the run process, in a process that a task has left behind.
            ended = hung_up.wait(_EVERY_S) or os.getppid() != parent
            for event in reader.events():
                spans.feed(event)
            if ended:
                spans.finish()
            sender.send(spans.taken())
    finally:
        reader.close()
        if order.is_ours:
            Path(order.file).unlink(missing_ok=True)
    return sender.trouble


def _await_end(ending: int, hung_up: threading.Event) -> None:
    os.read(ending, 1)
    hung_up.set()


class _Sender:
    """Sends spans in batches; what could not be sent is tried again with the next."""

    def __init__(self, endpoint: str, timeout_s: float | None) -> None:
        self._endpoint = endpoint
        self._exporter = OTLPSpanExporter(endpoint=endpoint, timeout=timeout_s)
        self._waiting: list[ReadableSpan] = []
        self._lost = False
        self._said = _LastWords()
        logger = logging.getLogger("opentelemetry")
        logger.addHandler(self._said)
        logger.propagate = False

    @property
    def trouble(self) -> str:
        """Why there are spans that could not be sent."""
        if not self._waiting and not self._lost:
            return ""
        return self._said.text or "the collector took no spans."

    def send(self, spans: list[ReadableSpan]) -> None:
        self._waiting += spans
        if len(self._waiting) > _MOST_KEPT:
            del self._waiting[: len(self._waiting) - _MOST_KEPT]
            self._lost = True
        if self._waiting and (nobody := _nobody_at(self._endpoint)):
            self._said.text = nobody  # the exporter would try again for seconds
            return
        while self._waiting:
            if self._exporter.export(self._waiting[:_BATCH]) is not SpanExportResult.SUCCESS:
                return
            del self._waiting[:_BATCH]


def _nobody_at(endpoint: str) -> str:
    """Say why nobody can be reached; nothing if somebody can, or if a proxy has to know."""
    address = urlsplit(endpoint)
    if getproxies().get(address.scheme) and not proxy_bypass(address.hostname or ""):
        return ""
    try:
        port = address.port or (443 if address.scheme == "https" else 80)
        socket.create_connection((address.hostname or "", port), _CONNECTS_WITHIN_S).close()
    except OSError as error:
        return f"{error.strerror or error}."
    return ""


class _LastWords(logging.Handler):
    """Keeps what was said last."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.text = ""

    def emit(self, record: logging.LogRecord) -> None:
        self.text = record.getMessage()
