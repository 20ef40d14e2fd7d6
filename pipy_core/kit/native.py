"""Python objects that scripts hold without seeing into them: keys, certificates, a hash on its way."""


class Native:
    """What a script holds by a handle. Subclass it.

    A host function gives one; the script gets an instance of the runtime's ``Native``, or of a class of its own that extends it
    and hands it to ``super``. As an argument or a result it comes back as the very same object. It lives until no script holds it.
    """

    __slots__ = ()

    def __len__(self) -> int:
        """Roughly how many bytes it keeps: scripts are asked what they still hold when this adds up to much."""
        return 1024

    def __bool__(self) -> bool:
        """It is there, whatever it keeps."""
        return True
