"""Which targets are left out, when, and when not; what metrics say of it; and what scripts and load balancers see."""

import gc

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipy_core.errors import ArgumentError, ScriptError
from pipy_core.testing import World, logged
from pipy_plugins.algo import least_work, round_robin
from pipy_plugins.resilience import health as plugin
from pipy_plugins.resilience.figures import CHECKS, EJECTIONS
from pipy_plugins.resilience.health import MAX_TARGETS, Health, standing
from tests.in_isolate import evaluate, isolate


class Service:
    """A Health on a clock that the test turns."""

    def __init__(self, count=4, **settings):
        self.clock = World()
        self.health = Health([f"t{number}" for number in range(count)], settings)

    def bad(self, name, times=1):
        with logged() as self.lines:
            for _ in range(times):
                self.health.bad(name, "status 500", self.clock)

    def good(self, name):
        self.health.good(name, self.clock)

    def checked(self, name, *faults):
        with logged() as self.lines:
            for fault in faults:
                self.health.checked(name, fault, self.clock)

    @property
    def out(self):
        return self.health.out()


class TestAnswers:
    def test_so_many_bad_ones_in_a_row(self):
        service = Service(failures=3, ejectFor="30s")
        service.bad("t0", 2)
        service.good("t0")
        service.bad("t0", 2)
        assert service.out == []
        service.bad("t0")
        assert service.lines == ["[WRN] [health] t0 is left out for 30 s: 3 bad answers, status 500"]
        assert service.out == ["t0"]
        service.clock.advance(29.9)
        assert service.out == ["t0"]
        service.clock.advance(0.2)
        assert service.out == []

    def test_each_time_is_longer_up_to_a_limit(self):
        service = Service(failures=1, ejectFor=10, maxEjectFor=25)
        spans = []
        for _ in range(4):
            service.bad("t0")
            since = service.clock.now()
            while service.out:
                service.clock.advance(0.5)
            spans.append(service.clock.now() - since)
        assert spans == [10, 20, 25, 25]

    def test_who_is_good_for_as_long_begins_anew(self):
        service = Service(failures=1, ejectFor=10)
        service.bad("t0")
        service.clock.advance(15)
        service.good("t0")
        assert service.health.troubled
        service.clock.advance(6)
        service.good("t0")
        assert not service.health.troubled
        service.bad("t0")
        service.clock.advance(10.1)
        assert service.out == []

    @pytest.mark.parametrize(
        ("count", "percent", "most"), [(4, 50, 2), (3, 50, 2), (1, 50, 1), (4, 0, 1), (10, 10, 1), (4, 100, 4)]
    )
    def test_not_all_are_left_out_because_of_their_answers(self, count, percent, most):
        service = Service(count, failures=1, maxEjected=percent, panic=0)
        for number in range(count):
            service.bad(f"t{number}")
        assert len(service.out) == most

    def test_what_comes_late_does_not_count_twice(self):
        service = Service(failures=1, ejectFor=10)
        service.bad("t0", 5)  # from requests that were under way
        service.clock.advance(10.1)
        assert service.out == []

    def test_news_of_others_are_ignored(self):
        service = Service(failures=1)
        service.bad("elsewhere", 10)
        service.good("elsewhere")
        service.checked("elsewhere", "x", "x", "x")
        assert service.out == []


class TestChecks:
    def test_it_takes_several_both_ways(self):
        service = Service(fall=3, rise=2)
        service.checked("t0", "refused", "refused", "", "refused", "refused")
        assert service.out == []
        service.checked("t0", "refused")
        assert service.lines == ["[WRN] [health] t0 is down: refused"]
        assert service.out == ["t0"]
        service.clock.advance(10_000)
        service.checked("t0", "", "refused", "")
        assert service.out == ["t0"]
        service.checked("t0", "")
        assert service.lines == ["[INF] [health] t0 is up again"]
        assert service.out == []

    def test_who_passes_checks_again_need_not_serve_its_time(self):
        service = Service(failures=1, fall=1, rise=1)
        service.bad("t0")
        service.checked("t0", "refused", "")
        assert service.out == []

    def test_who_is_left_out_and_passes_checks_is_back(self):
        """It was started again so fast that no check has failed."""
        service = Service(failures=1, rise=2)
        service.checked("t0", "", "", "")  # they say nothing of what came after
        service.bad("t0")
        service.checked("t0", "", "refused", "")
        assert (service.lines, service.out) == ([], ["t0"])
        service.checked("t0", "")
        assert (service.lines, service.out) == (["[INF] [health] t0 is up again"], [])
        service.checked("t0", "")
        assert service.lines == []

    def test_it_is_left_out_for_longer_if_it_was_not_good_for_as_long(self):
        service = Service(failures=1, ejectFor=10, rise=1)
        service.bad("t0")
        service.checked("t0", "")
        service.good("t0")
        service.bad("t0")
        assert "left out for 20 s" in service.lines[0]

    def test_the_name_stands_in_the_log(self):
        service = Service(fall=1, name="api")
        service.checked("t0", "refused")
        assert service.lines == ["[WRN] [health] api: t0 is down: refused"]


class TestPanic:
    def test_when_too_few_are_left_all_are_used(self):
        service = Service(4, fall=1, rise=1, panic=50)
        service.checked("t0", "x")
        service.checked("t1", "x")
        assert service.out == ["t0", "t1"]
        service.checked("t2", "x")
        assert service.out == []
        service.checked("t2", "")
        assert service.out == ["t0", "t1"]

    def test_it_can_be_switched_off(self):
        service = Service(1, fall=1, panic=0)
        service.checked("t0", "x")
        assert service.out == ["t0"]

    @given(st.lists(st.tuples(st.integers(0, 5), st.booleans()), max_size=60), st.sampled_from([0, 25, 50, 100]))
    def test_whatever_happens_enough_are_left(self, news, panic):
        service = Service(6, failures=2, fall=2, rise=1, panic=panic)
        for number, good in news:
            (service.good if good else service.bad)(f"t{number}")
            service.checked(f"t{number}", "" if good else "x")
            left = 6 - len(service.out)
            assert left * 100 >= panic * 6


class TestTargets:
    def test_they_come_and_go(self):
        service = Service(1, fall=1, panic=0)
        service.health.add("t1")
        service.checked("t1", "x")
        assert service.out == ["t1"]
        service.health.remove("t1")
        service.health.remove("never")
        assert service.out == []

    def test_there_is_an_end_to_them(self):
        with pytest.raises(ArgumentError, match="more than 1000 targets"):
            Service(MAX_TARGETS + 1)

    def test_they_are_text(self):
        with pytest.raises(ArgumentError, match="must be a string, not the number 7"):
            Health([7], {})

    @pytest.mark.parametrize("given_", [{"failures": 0}, {"panic": 101}, {"ejectFor": "soon"}, {"name": 7}])
    def test_wrong_options(self, given_):
        with pytest.raises(ArgumentError, match=f"options.{next(iter(given_))}"):
            Health([], given_)


class TestFigures:
    def test_who_is_used(self):
        service = Service(2, fall=1, name="figures-1")
        service.checked("t0", "x")
        (family,) = standing()
        mine = [(labels, value) for _, labels, value in family.samples if labels[0] == ("health", "figures-1")]
        assert mine == [
            ((("health", "figures-1"), ("target", "t0")), 0.0),
            ((("health", "figures-1"), ("target", "t1")), 1.0),
        ]
        assert service.clock.book.counter(CHECKS).values == {("figures-1", "t0"): 1}

    def test_of_two_generations_the_newer_one(self):
        old, new = Service(1, fall=1, panic=0, name="figures-2"), Service(1, name="figures-2")
        old.checked("t0", "x")
        mine = [value for _, labels, value in standing()[0].samples if labels[0] == ("health", "figures-2")]
        assert mine == [1.0]
        assert (old.out, new.out) == (["t0"], [])

    def test_ejections_are_counted(self):
        service = Service(2, failures=1, name="figures-3")
        service.bad("t0", 3)
        assert service.clock.book.counter(EJECTIONS).values == {("figures-3", "t0"): 1}

    def test_what_is_gone_is_not_shown(self):
        Service(1, name="figures-4")
        gc.collect()
        assert all(labels[0] != ("health", "figures-4") for _, labels, _ in standing()[0].samples)


class TestScripts:
    def test_what_scripts_see(self, tmp_path):
        before = "const health = new algo.Health({ a: 1, b: 2 }); health.add('c'); health.remove('a');"
        assert evaluate(tmp_path, [plugin], "[health.targets, health.out, health.get('b')]", before) == [["b", "c"], [], False]

    def test_what_they_do_wrong(self, tmp_path):
        with pytest.raises(ScriptError, match=r"options\.failures"):
            evaluate(tmp_path, [plugin], "new algo.Health(['a'], { failures: -1 })")
        with pytest.raises(ScriptError, match="expects an array or an object"):
            evaluate(tmp_path, [plugin], "new algo.Health('a')")

    @pytest.mark.parametrize("balancer", ["RoundRobinLoadBalancer", "LeastWorkLoadBalancer"])
    def test_load_balancers_ask_it_and_it_asks_once_a_call(self, tmp_path, balancer):
        asked = []

        def story(here):
            here.engine.host.add("health.out", lambda health: (asked.append(1), health.out())[1])
            before = (
                f"const h = new algo.Health(['a', 'b', 'c'], {{ fall: 1 }}); const lb = new algo.{balancer}(['a', 'b', 'c'], h);"
            )
            here.load("h", "[1, 2, 3, 4].map(() => lb.select()).join('')", before=before)
            health = here.call(0)
            assert set(here.call(1)) == {"a", "b", "c"}
            assert len(asked) == 1
            with logged():
                health.checked("b", "x", here.stage)
            assert set(here.call(1)) == {"a", "c"}
            assert len(asked) == 2

        isolate(tmp_path, [plugin, round_robin, least_work]).run(story)
