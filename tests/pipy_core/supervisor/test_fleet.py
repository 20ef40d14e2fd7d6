"""All workers as one: sums that never go down, whatever becomes of the workers."""

from types import SimpleNamespace

import msgspec.json
from hypothesis import given
from hypothesis import strategies as st

from pipy_core import figures
from pipy_core.admin.standing import Generation, Standing, WorkerStatus
from pipy_core.errors import RelayedError
from pipy_core.figures import Family
from pipy_core.process import control
from pipy_core.supervisor.fleet import Fleet


class Played:
    """A worker that counts. :ivar silent: it does not answer."""

    def __init__(self, number, pid=1):
        self.number = number
        self.pid = pid
        self.ready = True
        self.silent = False
        self.count = 0
        self.questions = 0

    def begin_ask(self):
        self.questions += 1
        return 1

    def told(self, question, limit):
        if self.silent:
            raise RelayedError("", "does not answer")
        families = [
            Family("n_total", "counter", "", [("", (), self.count)]),
            Family("now", "gauge", "", [("", (), 1)]),
        ]
        status = WorkerStatus(self.number, self.pid, "running", self.count, generations=[Generation(3, connections=self.count)])
        return control.Told(question, figures.encode(families), msgspec.json.encode(status))


def make(count):
    places = [SimpleNamespace(number=number, starts=1, worker=Played(number)) for number in range(1, count + 1)]
    return places, Fleet(places, lambda: Standing("1", 2, 0.0))


def value(fleet, name):
    return next(sample[2] for family in fleet.figures() if family.name == name for sample in family.samples)


def test_figures_are_added_up():
    places, fleet = make(3)
    for place in places:
        place.worker.count = place.number
    assert (value(fleet, "n_total"), value(fleet, "now")) == (6, 3)


def test_figures_say_how_things_are_and_it_takes_one_question():
    places, fleet = make(2)
    assert (value(fleet, "pipy_workers"), value(fleet, "pipy_ready")) == (2, 1)
    assert [place.worker.questions for place in places] == [2, 2]


def test_of_one_that_does_not_answer_what_it_told_last_counts():
    places, fleet = make(2)
    places[0].worker.count = 5
    assert value(fleet, "n_total") == 5
    places[0].worker.silent = True
    places[1].worker.count = 1
    assert value(fleet, "n_total") == 6


def test_of_one_that_has_ended_what_grows_is_kept_and_what_is_now_is_not():
    places, fleet = make(2)
    places[0].worker.count = 5
    fleet.figures()
    worker, places[0].worker = places[0].worker, None
    fleet.ended(worker)
    assert (value(fleet, "n_total"), value(fleet, "now")) == (5, 1)
    places[0].worker = Played(1)
    places[0].worker.count = 2
    assert (value(fleet, "n_total"), value(fleet, "now")) == (7, 2)


def test_the_status_of_all_places():
    places, fleet = make(4)
    places[0].worker.count, places[0].starts = 2, 3
    places[1].worker.silent = True
    places[2].worker = None
    places[3].worker.ready = False
    document = fleet.status()
    assert [(each["number"], each["state"], each["starts"]) for each in document["workers"]] == [
        (1, "running", 3),
        (2, "starting", 1),
        (3, "dead", 1),
        (4, "starting", 1),
    ]
    assert [(each["number"], each["connections"]) for each in document["generations"]] == [(3, 2)]


steps = st.lists(st.tuples(st.integers(0, 2), st.sampled_from(["count", "die", "hang", "wake", "start", "look"])), max_size=60)


@given(steps)
def test_no_sum_ever_goes_down(story):
    places, fleet = make(3)
    last = 0
    for index, step in story:
        place = places[index]
        if step == "start" and place.worker is None:
            place.worker = Played(place.number)
        elif place.worker is None or step == "start":
            continue
        elif step == "count":
            place.worker.count += 1
        elif step == "die":
            worker, place.worker = place.worker, None
            fleet.ended(worker)
        elif step == "look":
            totals = [sample[2] for family in fleet.figures() if family.name == "n_total" for sample in family.samples]
            assert sum(totals) >= last
            last = sum(totals)
        else:
            place.worker.silent = step == "hang"
