"""A collector of spans, as OpenTelemetry's exporters talk to it: OTLP over HTTP."""

from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span


class Collector:
    """What has been received so far.

    Parameters
    ----------
    answers
        Status of each answer in turn; 200 when there are none left.
    """

    def __init__(self, address: str, answers: list[int]) -> None:
        self.address = address
        self.answers = answers
        self.spans: list[Span] = []
        self.services: set[str] = set()
        self.headers: list[dict[str, str]] = []
        self.paths: set[str] = set()

    def take(self, path: str, headers: dict[str, str], body: bytes) -> int:
        status = self.answers.pop(0) if self.answers else 200
        self.paths.add(path)
        self.headers.append(headers)
        if status == 200:
            for resource in ExportTraceServiceRequest.FromString(body).resource_spans:
                about = {pair.key: pair.value.string_value for pair in resource.resource.attributes}
                self.services.add(about["service.name"])
                self.spans += [span for scope in resource.scope_spans for span in scope.spans]
        return status

    def named(self, name: str) -> Span:
        """The one span of this name."""
        (found,) = [span for span in self.spans if span.name == name]
        return found

    def inside(self, parent: Span) -> set[str]:
        """Names of the spans directly inside one."""
        return {span.name for span in self.spans if span.parent_span_id == parent.span_id}


def facts(span: Span) -> dict[str, object]:
    """Attributes of a span, or of one of its events."""
    return {pair.key: getattr(pair.value, str(pair.value.WhichOneof("value"))) for pair in span.attributes}


@contextmanager
def collecting(*answers: int) -> Iterator[Collector]:
    """Listen on a port of this machine."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            self.send_response(collector.take(self.path, dict(self.headers), body))
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    collector = Collector(f"http://127.0.0.1:{server.server_address[1]}", list(answers))
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield collector
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
