"""Stand-in of an OpenTelemetry collector: it keeps the spans that come over OTLP/HTTP."""

import gzip
from http.server import BaseHTTPRequestHandler

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from tests.support.http_stand_in import HttpStandIn, SilentHandler


class _Handler(SilentHandler, BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if self.headers.get("Content-Encoding") == "gzip":
            body = gzip.decompress(body)
        request = ExportTraceServiceRequest.FromString(body)
        collector = self.server.stand_in  # type: ignore[attr-defined]
        for resource in request.resource_spans:
            for scope in resource.scope_spans:
                collector.spans.extend(scope.spans)
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()


class Collector(HttpStandIn):
    """Collector with the spans that it was sent."""

    handler = _Handler

    def reset(self) -> None:
        super().reset()
        self.spans: list[Span] = []

    def named(self, name: str) -> list[Span]:
        return [span for span in list(self.spans) if span.name == name]
