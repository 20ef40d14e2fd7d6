"""The files of one generation of a script, wherever they came from."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Files in a directory, and which of them is the main script.

    :ivar root: the directory.
    :ivar main: the path of the main script in it, such as ``/proxy.js``.
    :ivar version: for people: what the server of a remote codebase calls this version; empty if nobody has given it a name.
    :ivar pinned: contents that count instead of those on the disk while the script is loaded, by path; None: there is no such
        file. Several workers that load one generation get the same files by it.
    """

    root: Path
    main: str
    version: str = ""
    pinned: Mapping[str, bytes | None] = field(default_factory=dict)

    @classmethod
    def of(cls, script: Path) -> "Snapshot":
        """The directory of *script*, as it is."""
        return cls(script.parent, f"/{script.name}")
