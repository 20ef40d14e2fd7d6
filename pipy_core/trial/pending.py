"""Requests that tests written in Python have sent, and whose responses may need time."""

from pipy_core.events import Message
from pipy_core.trial.messages import Response, response_from
from pipy_core.trial.trial import Trial


class NoResponse(AssertionError):
    """There is no response, and without more being done there will be none. The text says what could help."""


class Pending:
    """A request that was sent."""

    def __init__(self, trial: Trial, words: str) -> None:
        self._trial = trial
        self._words = words
        self._result: Message | str | None = None

    @property
    def done(self) -> bool:
        """Whether there is a response, or none can come any more."""
        return self._result is not None

    def response(self) -> Response:
        """The response.

        :raises NoResponse: there is none.
        """
        __tracebackhide__ = True
        if isinstance(self._result, Message):
            return response_from(self._result)
        if isinstance(self._result, str):
            raise NoResponse(f"{self._words}: {self._result}")
        left = self._trial.surroundings.until_next()
        hint = "no timer is running" if left is None else f"the next timer goes off in {left:g} s: advance({left:g})"
        raise NoResponse(f"{self._words}: there is no response yet; {hint}")

    def finish(self, result: Message | str) -> None:
        """It is there."""
        self._result = result
