"""What a client has to say first: who waits for it, for how long, and who takes over."""

from pipy_core.context import Group
from pipy_core.kit.first_words import FirstWords
from pipy_core.limits import Limits


class Speaker:
    """A guard that speaks with the client."""

    fresh, due, idle = False, 0.0, False


def group(seconds: float = 5.0) -> Group:
    made = Group()
    made.limits = Limits(header_timeout=seconds)
    return made


def test_it_is_waited_for_until_it_is_heard() -> None:
    mine = group()
    words = FirstWords(mine, 10.0)
    assert (mine.guard, words.due) == (words, 15.0)
    assert (words.look(14.9, False), words.look(15.0, False), words.look(15.0, True)) == ("", "handshake timeout", "")
    words.heard()
    words.heard()
    assert mine.guard is None


def test_without_a_limit_it_is_waited_for_for_ever() -> None:
    assert FirstWords(group(0.0), 10.0).look(1e12, False) == ""


def test_several_wait_until_all_have_heard_it() -> None:
    mine = group()
    first, second = FirstWords(mine, 0.0), FirstWords(mine, 0.0)
    first.heard()
    assert mine.guard is second
    second.heard()
    assert mine.guard is None
    first, second = FirstWords(mine, 0.0), FirstWords(mine, 0.0)
    second.heard()
    assert mine.guard is first


def test_who_speaks_with_the_client_stays() -> None:
    mine = group()
    words = FirstWords(mine, 0.0)
    speaker = mine.guard = Speaker()  # type: ignore[assignment]
    words.heard()
    FirstWords(mine, 0.0).heard()
    assert mine.guard is speaker
