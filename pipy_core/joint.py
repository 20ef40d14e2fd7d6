"""What filters have in common whose stream goes through one sub-pipeline or connection."""

from pipy_core.filter import Branch, Filter


class Joint(Filter):
    """A filter whose stream goes through one sub-pipeline or connection: what that is doing, this one is doing.

    Set ``_branch`` when it is there; it is asked whether it is busy, told to drain, and closed.
    """

    _branch: Branch | None = None

    def busy(self) -> bool:
        """See ``Filter``."""
        return self._branch is not None and self._branch.busy()

    def drain(self) -> None:
        """See ``Filter``."""
        if self._branch is not None:
            self._branch.drain()

    def close(self) -> None:
        """See ``Filter``."""
        if self._branch is not None:
            self._branch.close()
