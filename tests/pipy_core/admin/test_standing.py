"""The status document, and the figures that follow from it."""

import json
import time

from pipy_core.admin import standing as module
from pipy_core.admin.standing import Generation, Reloads, Standing, Start, WorkerStatus, figures_of, merge_generations


def standing(**more):
    workers = [
        WorkerStatus(1, 101, connections=3, memory=1000, starts=1, generations=[Generation(1, "v1", "draining", 5.0, 1), Generation(2, "v2", "running", 9.0, 2)]),
        WorkerStatus(2, 102, connections=4, memory=2000, starts=3, generations=[Generation(2, "v2", "running", 9.5, 4)]),
    ]  # fmt: skip
    return Standing("0.1", 100, 50.0, 10.0, ports=("0.0.0.0:80",), workers=workers, **more)


def numbers(document):
    return {
        each.name + "".join(f"{{{label}={value}}}" for label, value in labels): number
        for each in figures_of(document)
        for _, labels, number in each.samples
    }


def test_generations_are_those_of_all_workers():
    merged = merge_generations(
        [[Generation(2, connections=2), Generation(1, state="draining")], [Generation(2, state="draining", connections=5)]]
    )
    assert merged == [Generation(1, state="draining"), Generation(2, connections=7)]


def test_the_document_can_be_written():
    document = standing().document()
    assert json.loads(json.dumps(document)) == document
    assert [(each["number"], each["state"], each["connections"]) for each in document["generations"]] == [
        (1, "draining", 1),
        (2, "running", 6),
    ]
    assert document["ports"] == ["0.0.0.0:80"]
    assert document["workers"][1]["starts"] == 3


def test_figures():
    found = numbers(standing(reload=Reloads("failed", 77.0, "oops", 4, 2)).document())
    assert found["pipy_workers{state=running}"] == 2
    assert found["pipy_worker_restarts_total"] == 2
    assert found["pipy_worker_memory_bytes{worker=2}"] == 2000
    assert found["pipy_generation_connections{generation=2}"] == 6
    assert found["pipy_reloads_total{result=good}"] == 4
    assert found["pipy_reloads_total{result=failed}"] == 2
    assert found["pipy_last_reload_good"] == 0
    assert found["pipy_last_reload_time_seconds"] == 77.0
    assert found["pipy_start_time_seconds"] == 50.0
    assert found["pipy_info{version=0.1}"] == 1
    assert found["pipy_ready"] == 1


def test_a_program_whose_workers_all_shed_load():
    document = standing().document()
    assert document["state"] == "running"
    shedding = standing()
    shedding.workers[0].state = "shedding"
    assert shedding.document()["state"] == "running"
    shedding.workers[1].state = "shedding"
    assert (shedding.document()["state"], shedding.document()["reason"]) == (
        "shedding",
        "no worker has memory left for new requests",
    )
    shedding.state = "draining"
    assert shedding.document()["state"] == "draining"


def test_a_program_that_is_not_ready():
    found = numbers(standing(state="shedding").document())
    assert found["pipy_ready"] == 0
    assert found["pipy_last_reload_good"] == 1


def test_how_long_ago_is_not_what_a_clock_on_the_wall_says(monkeypatch):
    start = Start()
    assert abs(start.at - time.time()) < 100
    monkeypatch.setattr(module.time, "time", lambda: start.at - 3600)
    assert 0 <= start.ago < 100
