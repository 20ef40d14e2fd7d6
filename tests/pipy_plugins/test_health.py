"""The pages that tell how the program is."""

import json

import pytest

from pipy_core.admin.standing import Standing, WorkerStatus
from pipy_core.api import Head, Message, Pages
from pipy_plugins import health


class Program:
    def __init__(self, **more):
        self.standing = Standing("0.1", 7, 50.0, workers=[WorkerStatus(1, 7)], **more)

    def figures(self):
        return []

    def status(self):
        return self.standing.document()


def ask(path, method="GET", **more):
    pages = Pages(Program(**more))
    health.pipy_register_pages(pages)
    answer = pages.answer(Message(Head({"method": method, "path": path})))
    return answer.head.fields["status"], answer.body.payload, answer.head.fields["headers"]


@pytest.mark.parametrize("state", ["running", "starting", "draining", "failed"])
def test_alive(state):
    assert ask("/healthz", state=state)[:2] == (200, b"ok\n")


@pytest.mark.parametrize(
    ("more", "status", "text"),
    [
        ({}, 200, b"ready\n"),
        ({"state": "starting"}, 503, b"starting\n"),
        ({"state": "draining"}, 503, b"draining\n"),
        ({"state": "shedding", "reason": "no memory"}, 503, b"shedding: no memory\n"),
    ],
)
def test_ready(more, status, text):
    answer = ask("/readyz", **more)
    assert answer[:2] == (status, text)
    assert answer[2].get("retry-after") == (None if status == 200 else "1")


def test_the_whole_of_it():
    status, body, headers = ask("/status")
    assert (status, headers["content-type"]) == (200, "application/json")
    document = json.loads(body)
    assert document["workers"][0]["pid"] == 7
    assert document["state"] == "running"


@pytest.mark.parametrize("path", ["/healthz", "/readyz", "/status"])
def test_only_looking(path):
    status, _, headers = ask(path, "POST")
    assert (status, headers["allow"]) == (405, "GET, HEAD")
