"""What is done with connections now and then, for tests of filters that are guards (see ``Guard``)."""

from pipy_core.testing.played import Played
from pipy_core.testing.tape import Tape


def look(tape: Tape, *, held: bool = False) -> str:
    """Look at the connection of *tape*: why its client is waited for no longer, empty if it is.

    :param held: it is we who do not read from the client.
    """
    guard = tape.context.group.guard
    if guard is None or not (guard.fresh or guard.due <= tape.world.now()):
        return ""
    return guard.look(tape.world.now(), held)


def expire(tape: Tape) -> Played:
    """The client of *tape* is waited for no longer."""
    guard = tape.context.group.guard
    assert guard is not None, "nobody waits for this client"
    tape.world.after(0.0, guard.expire)
    return tape.advance(0.0)
