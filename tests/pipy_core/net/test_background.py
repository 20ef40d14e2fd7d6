"""Work on threads: the reactor goes on meanwhile, and hears of it in its own time."""

import threading

import pytest

from pipy_core.net.background import Watch, in_thread


def test_the_result_comes_and_others_go_on_meanwhile(reactor):
    may_end, results = threading.Event(), []
    reactor.spawn(lambda: results.append(in_thread(reactor, lambda number: (may_end.wait(10), number)[1], 7)))
    reactor.pass_by()
    assert results == []
    may_end.set()
    reactor.until(lambda: results)
    assert results == [7]


def test_what_it_raises_is_raised_here(reactor):
    def fail():
        raise KeyError("x")

    with pytest.raises(KeyError):
        in_thread(reactor, fail)


def test_news_are_told_until_nobody_wants_them(reactor):
    tell, ended, news = [], threading.Event(), []

    def work(changed, stop):
        tell.append(changed)
        stop.wait(10)
        ended.set()

    watch = Watch(reactor, work, lambda: news.append(1))
    reactor.until(lambda: tell)
    tell[0]()
    reactor.until(lambda: news)
    watch.stop()
    watch.stop()
    assert ended.wait(10)
    tell[0]()
    reactor.pass_by()
    assert news == [1]
