"""Questions and answers through shared memory, in pieces if they do not fit."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipy_core.script.v8.mailbox import HEADER, Mailbox


class Script:
    """The other end, as ``runtime/v8.js`` does it."""

    def __init__(self, size, answer):
        self.memory = memoryview(bytearray(HEADER + size))
        self.mailbox = Mailbox(self.memory, answer)
        self.room = size // 2
        self.looks = 0

    def _look(self):
        self.looks += 1
        self.mailbox.look()

    def ask(self, text):
        units = text.encode("utf-16-le", "surrogatepass")
        while True:
            piece, units = units[: 2 * self.room], units[2 * self.room :]
            self.memory[HEADER : HEADER + len(piece)] = piece
            self._put(len(piece) // 2, bool(units))
            self._look()
            if not units:
                break
        answer = b""
        while True:
            count = int.from_bytes(self.memory[:4], "little")
            answer += self.memory[HEADER : HEADER + 2 * count]
            if not self.memory[4]:
                return answer.decode("utf-16-le", "surrogatepass")
            self.memory[:4] = (-1).to_bytes(4, "little", signed=True)
            self._look()

    def _put(self, count, more):
        self.memory[:8] = count.to_bytes(4, "little") + int(more).to_bytes(4, "little")


@given(st.text(), st.text(), st.integers(1, 20))
def test_any_text_in_and_out_of_any_memory(question, answer, units):
    asked = []
    script = Script(2 * units, lambda text: (asked.append(text), answer)[1])
    for _ in range(2):
        assert script.ask(question) == answer
    assert asked == [question] * 2


@pytest.mark.parametrize("text", ["", "a", "😀" * 1000, "\ud800", "\0"])
def test_what_is_hard_to_carry(text):
    assert Script(64, lambda question: question).ask(text) == text


def test_what_fits_takes_one_look():
    script = Script(64, lambda question: question)
    script.ask("x" * 32)
    assert script.looks == 1
