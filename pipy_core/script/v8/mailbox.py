"""Questions of a script and answers to them, through memory that both sides see. The other end is ``runtime/v8.js``.

Text goes both ways as UTF-16, in pieces if it does not fit. The memory begins with two 32-bit numbers: how many code units there
are in this piece (-1: the script wants the next piece of the answer), and whether more follow.
"""

from collections.abc import Callable
from typing import Final

HEADER: Final = 16  # bytes in front of the text


class Mailbox:
    """Python's end.

    :param answer: a question in, an answer out; it must not raise.
    """

    def __init__(self, memory: memoryview, answer: Callable[[str], str]) -> None:
        self._memory = memory
        self._answer = answer
        self._question = bytearray()
        self._rest = b""  # of an answer that is longer than the memory

    def look(self) -> None:
        """The script has written something: take it, and put in what it gets."""
        memory = self._memory
        units = int.from_bytes(memory[:4], "little", signed=True)
        if units >= 0:
            self._question += memory[HEADER : HEADER + 2 * units]
            if memory[4]:
                return
            question = self._question.decode("utf-16-le", "surrogatepass")
            self._question.clear()
            self._rest = self._answer(question).encode("utf-16-le", "surrogatepass")
        piece = self._rest[: len(memory) - HEADER]
        self._rest = self._rest[len(piece) :]
        memory[HEADER : HEADER + len(piece)] = piece
        memory[:4] = (len(piece) // 2).to_bytes(4, "little")
        memory[4:8] = (1 if self._rest else 0).to_bytes(4, "little")
