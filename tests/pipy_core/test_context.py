"""What stands for things in a script."""

from pipy_core.context import UNDEFINED, Context, Function, Group, Identity, ScriptDict, ScriptList
from pipy_core.errors import Place


def test_undefined_is_false_and_not_null():
    assert not UNDEFINED
    assert UNDEFINED is not None


def test_identities_are_equal_by_number():
    assert Identity(1) == Identity(1, "Other")
    assert Identity(1) != Identity(2)
    assert Identity(1) != 1
    assert len({Identity(1), Identity(1), Identity(2)}) == 2


def test_objects_of_the_script_are_keys_by_identity():
    assert len({ScriptDict(a=1): 0, ScriptDict(a=1): 0}) == 2
    assert len({ScriptList([1]): 0, ScriptList([1]): 0}) == 2
    assert ScriptDict(a=1) == {"a": 1}


def test_functions_know_their_place():
    assert Function(1).place == Place()
    assert Function(1, Place("/a.js", 2)).place.line == 2
    assert repr(Function(3)) == "Function(3)"
    assert repr(Identity(3, "Map")) == "Identity(3, 'Map')"


class TestGroup:
    def test_watchers_are_notified_until_they_stop(self):
        group, seen = Group(), []
        stop_a = group.watch(lambda: seen.append("a"))
        group.watch(lambda: seen.append("b"))
        group.notify()
        stop_a()
        stop_a()
        group.notify()
        assert seen == ["a", "b", "b"]

    def test_a_watcher_may_stop_while_it_is_notified(self):
        group, seen = Group(), []

        def once():
            seen.append("once")
            stop()

        stop = group.watch(once)
        group.watch(lambda: seen.append("other"))
        group.notify()
        group.notify()
        assert seen == ["once", "other", "other"]

    def test_nobody_need_listen(self):
        Group().notify()


def test_a_context_says_when_nobody_holds_it():
    released = []
    context = Context(5, Group(), None, released.append)
    assert released == []
    del context
    assert released == [5]
