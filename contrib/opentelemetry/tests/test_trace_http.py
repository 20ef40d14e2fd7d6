"""Spans of single streams: what is passed on, and what is told at the end."""

import re

import pytest
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind, StatusCode
from pipy_core.api import END, EOS, Data, Failure, Head, MessageStart, StreamEnd
from pipy_core.testing import Tape, target

from pipy_opentelemetry import trace_http
from pipy_opentelemetry.provider import provider
from pipy_opentelemetry.trace_http import TraceHTTP

TRACE, SPAN = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"


@pytest.fixture(scope="module")
def exporter():
    exporter = InMemorySpanExporter()
    provider().add_span_processor(SimpleSpanProcessor(exporter))
    return exporter


@pytest.fixture
def spans(exporter):
    """Gives all spans that have ended."""
    exporter.clear()
    return exporter.get_finished_spans


def request(**headers):
    head = {"protocol": "HTTP/1.1", "method": "GET", "path": "/a?secret=1", "headers": {"host": "h", **headers}}
    return MessageStart(Head(head))


def response(status=200):
    return MessageStart(Head({"status": status, "headers": {}}))


def traced(name=""):
    return Tape(TraceHTTP, target("answer"), name)


def sent_on(tape):
    """The headers that the target got."""
    return tape.child("answer").fed[0].head.fields["headers"]


def test_a_request_continues_its_trace_with_a_span_of_its_own(spans):
    tape = traced()
    tape.play(request(traceparent=f"00-{TRACE}-{SPAN}-01", tracestate="vendor=1"), END).expect()
    headers = sent_on(tape)
    tape.child("answer").reply(response(), Data(b"hi"), END).expect(response(), Data(b"hi"), END)
    (span,) = spans()
    assert span.kind is SpanKind.SERVER
    assert span.name == "GET"
    assert f"{span.parent.span_id:016x}" == SPAN
    assert headers["traceparent"] == f"00-{TRACE}-{span.context.span_id:016x}-01"
    assert headers["tracestate"] == "vendor=1"
    assert headers["host"] == "h"


def test_a_request_without_a_trace_begins_one(spans):
    tape = traced("front")
    tape.play(request(), END).expect()
    assert re.fullmatch(r"00-[0-9a-f]{32}-[0-9a-f]{16}-0[13]", sent_on(tape)["traceparent"])
    tape.child("answer").reply(response(), END).expect(response(), END)
    (span,) = spans()
    assert span.parent is None
    assert span.name == "front"


@pytest.mark.parametrize("bad", ["", "00-x-y-01", f"ff-{TRACE}-{SPAN}-01", f"00-{'0' * 32}-{SPAN}-01", f"00-{TRACE}-{SPAN}"])
def test_a_trace_that_is_none_is_not_continued_and_not_passed_on(spans, bad):
    tape = traced()
    tape.play(request(traceparent=bad, tracestate="vendor=1"), END).expect()
    headers = sent_on(tape)
    assert TRACE not in headers["traceparent"]
    assert "tracestate" not in headers
    tape.child("answer").reply(response(), END).expect(response(), END)


def test_the_head_that_others_hold_is_not_changed(spans):
    start = request()
    tape = traced()
    tape.play(start, END).expect()
    assert "traceparent" not in start.head.fields["headers"]
    assert "traceparent" in sent_on(tape)


def test_attributes_tell_no_secrets(spans):
    tape = traced()
    tape.play(request(**{"user-agent": "curl", "authorization": "secret"}), END).expect()
    tape.child("answer").reply(response(404), END).expect(response(404), END)
    (span,) = spans()
    assert span.attributes["url.path"] == "/a"
    assert span.attributes["http.response.status_code"] == 404
    assert span.attributes["user_agent.original"] == "curl"
    assert span.status.status_code is StatusCode.UNSET
    assert "secret" not in str(dict(span.attributes))


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        pytest.param([response(503), END], "503", id="failed"),
        pytest.param([StreamEnd(Failure.CONNECTION_REFUSED)], "ConnectionRefused", id="refused"),
        pytest.param([response(), Data(b"h"), StreamEnd(Failure.READ_ERROR)], "ReadError", id="cut-off"),
        pytest.param([EOS], "ConnectionReset", id="unanswered"),
    ],
)
def test_what_fails_is_told(spans, answer, kind):
    tape = traced()
    tape.play(request(), END).expect()
    tape.child("answer").reply(*answer).expect(*answer)
    (span,) = spans()
    assert span.status.status_code is StatusCode.ERROR
    assert span.attributes["error.type"] == kind


def test_a_stream_that_is_closed_ends_its_spans(spans):
    tape = traced()
    tape.play(request(), END).expect()
    tape.close().expect()
    (span,) = spans()
    assert span.attributes["error.type"] == "ConnectionCanceled"


def test_an_interim_response_is_not_the_answer(spans):
    tape = traced()
    tape.play(request(), END).expect()
    tape.child("answer").reply(response(103), END, response(204), END).expect(response(103), END, response(204), END)
    (span,) = spans()
    assert span.attributes["http.response.status_code"] == 204


def test_requests_behind_each_other_have_a_span_each_up_to_a_limit(spans, monkeypatch):
    monkeypatch.setattr(trace_http, "MOST_OPEN", 2)
    tape = traced()
    tape.play(request(), END, request(), END, request(), END).expect()
    for status in (200, 201, 202):
        tape.child("answer").reply(response(status), END).expect(response(status), END)
    assert [span.attributes["http.response.status_code"] for span in spans()] == [200, 201]
