"""What is logged of a request, and what is not."""

import json
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipy_core.errors import ArgumentError
from pipy_core.kit.access import FIELDS, FORMATS, MAX_VALUE, Entry, formatter, redacted

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"


def entry(target="/a?x=1", status=200, **headers):
    fields = {name.replace("_", "-"): value for name, value in headers.items()}
    return Entry("GET", target, "HTTP/1.1", fields, status, 5, 0.0012345, "192.0.2.1", 999, "0.0.0.0:80", "up:90", at=0.5)


def line(form, **more):
    return formatter(form)(entry(**more))


@pytest.mark.parametrize(
    ("form", "expected"),
    [
        ("$client:$client_port $listener", "192.0.2.1:999 0.0.0.0:80"),
        ("$method|$uri|$path|$query|$protocol", "GET|/a?x=1|/a|x=1|HTTP/1.1"),
        ("${status}ms", "200ms"),
        ("$bytes $duration $upstream", "5 0.001234 up:90"),
        ("$request", "GET /a?x=1 HTTP/1.1"),
        ("$host $user_agent $referer $trace_id $http_x_y", "- - - - -"),
        ("$msec", "0.500"),
        ("100% $status", "100% 200"),
    ],
)
def test_fields(form, expected):
    assert line(form) == expected


@pytest.mark.parametrize(("target", "expected"), [("", "-"), ("/a?token=1", "/a?token=***")])
def test_a_request_line_that_was_not_understood(target, expected):
    made = entry(target)
    made.method = made.protocol = ""
    assert formatter("$request")(made) == expected


def test_fields_of_headers():
    found = line(
        "$host $user_agent $referer $http_x_y $trace_id",
        host="h", user_agent="curl/8", referer="http://r/", x_y="z", traceparent=f"00-{TRACE}-00f067aa0ba902b7-01",
    )  # fmt: skip
    assert found == f"h curl/8 http://r/ z {TRACE}"


@pytest.mark.parametrize("value", ["", "00-zz-00f067aa0ba902b7-01", f"00-{TRACE}", "x" * 100, ["a"], 5])
def test_what_is_no_trace(value):
    assert line("$trace_id", traceparent=value) == "-"


def test_common_and_combined():
    pattern = r'192\.0\.2\.1 - - \[\d\d/\w{3}/\d{4}:\d\d:\d\d:\d\d [+-]\d{4}\] "GET /a\?x=1 HTTP/1.1" 200 5'
    assert re.fullmatch(pattern, line("common"))
    assert re.fullmatch(pattern + ' "-" "curl"', line("combined", user_agent="curl"))


def test_json():
    document = json.loads(line("json", user_agent='a"\n\x1b', target="/a?token=x"))
    assert document.pop("time").startswith(("1970", "1969"))
    assert document == {
        "client": "192.0.2.1", "listener": "0.0.0.0:80", "method": "GET", "path": "/a", "protocol": "HTTP/1.1", "status": 200,
        "bytes": 5, "duration": 0.001234, "upstream": "up:90", "user_agent": 'a"\n\x1b',
    }  # fmt: skip


@pytest.mark.parametrize(
    ("form", "text"),
    [
        ("nothing", "has no fields such as"),
        ("", "has no fields such as"),
        ("$nope", r"unknown field \$nope; there are time, "),
        ("$", r"unknown field \$;"),
        ("$http_", r"unknown field \$http_"),
        ("$http_authorization", "would write secrets"),
        ("$http_cookie", "would write secrets"),
        ("$http_proxy_authorization", "would write secrets"),
    ],
)
def test_formats_that_are_wrong(form, text):
    with pytest.raises(ArgumentError, match=text):
        formatter(form)


@pytest.mark.parametrize(
    ("target", "shown"),
    [
        ("/a?token=1", "/a?token=***"),
        ("/a?access_token=1&b=2", "/a?access_token=***&b=2"),
        ("/a?b=2&X-Amz-Signature=ff;c=3", "/a?b=2&X-Amz-Signature=***;c=3"),
        ("/a?PASSWORD=1#x", "/a?PASSWORD=***#x"),
        ("/a?my_secret_thing=1", "/a?my_secret_thing=***"),
        ("/a?api-key=1&apikey=2", "/a?api-key=***&apikey=***"),
        ("/a?code=1&state=2", "/a?code=***&state=2"),
        ("/a?barcode=1&monkey=2&author=3", "/a?barcode=1&monkey=2&author=3"),
        ("/a?token=", "/a?token=***"),
        ("/token=1", "/token=1"),
        ("http://u:p@h/a", "http://***@h/a"),
        ("//u@h", "//***@h"),
        ("/a@b", "/a@b"),
        ("*", "*"),
    ],
)
def test_secrets_are_left_out(target, shown):
    assert redacted(target) == shown


def test_secrets_of_a_referer():
    assert line("$referer", referer="https://u:p@h/?id_token=x") == "https://***@h/?id_token=***"


HOSTILE = st.text(max_size=30)


@given(target=HOSTILE, agent=HOSTILE, method=HOSTILE)
def test_nobody_forges_a_line_or_a_field(target, agent, method):
    made = entry(target, user_agent=agent)
    made.method = method
    found = formatter('"$request" "$user_agent"')(made)
    assert re.fullmatch(r'"[\x20-\x7e]*" "[\x20-\x7e]*"', found)
    assert found.count('"') == 4
    assert "\n" not in formatter("json")(made)


@pytest.mark.parametrize("form", ["$path", "json"])
def test_what_is_long_is_cut(form):
    assert len(line(form, target="/" + "a" * 100_000)) < MAX_VALUE + 500


def test_what_scripts_put_into_a_head():
    found = Entry.of({"method": 5, "path": None, "headers": "x"}, 200, 0, 0.0)
    assert (found.method, found.target, found.protocol, found.headers) == ("GET", "/", "HTTP/1.1", {})


def test_every_format_works():
    for form in FORMATS:
        assert line(form)
    for name, read in FIELDS.items():
        assert isinstance(read(entry()), str | int | float), name
