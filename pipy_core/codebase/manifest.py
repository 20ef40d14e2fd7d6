"""What the answer of a codebase's server is: a list of files or a script, and which lists are refused. Pure.

Spec: cli-admin.md, 5.2.
"""

from typing import Final

#: Files of a codebase.
MAX_FILES: Final = 4096
#: Bytes of the path of one, and of each part of it: what file systems take.
MAX_PATH: Final = 1024
MAX_PART: Final = 255
_BYTE_ORDER_MARK: Final = b"\xef\xbb\xbf"
_SHOWN: Final = 100  # characters of a wrong line


def is_manifest(body: bytes) -> bool:
    """Whether *body* lists files, the main script first. Otherwise it is a script."""
    start = body.removeprefix(_BYTE_ORDER_MARK)[:2]
    return len(start) == 2 and start.startswith(b"/") and start not in (b"//", b"/*")


def read_manifest(body: bytes) -> list[str]:
    """The files of a manifest, the main script first, each once.

    :raises ValueError: it lists what cannot be a file of a codebase; says what.
    """
    try:
        lines = body.decode("utf-8-sig").split("\n")
    except UnicodeDecodeError:
        raise ValueError("the manifest is not UTF-8 text") from None
    paths = list(dict.fromkeys(line for line in (line.removesuffix("\r") for line in lines) if line))
    if len(paths) > MAX_FILES:
        raise ValueError(f"the manifest lists more than {MAX_FILES} files")
    for path in paths:
        fault = fault_of(path)
        if fault:
            raise ValueError(f"the manifest lists {path[:_SHOWN]!r}, {fault}")
    folders = {path[:at] for path in paths for at in range(1, len(path)) if path[at] == "/"}
    for path in paths:
        if path in folders:
            raise ValueError(f"the manifest lists {path[:_SHOWN]!r} as a file and as a directory")
    return paths


def fault_of(path: str) -> str:
    """Why *path* is not that of a file in a codebase; empty if it is."""
    if not path.startswith("/"):
        return "which does not begin with a slash"
    if path.endswith("/"):
        return "a directory"
    if "\\" in path or any(letter < " " or letter == "\x7f" for letter in path):
        return "which has a character in it that paths cannot have"
    parts = path[1:].split("/")
    if any(part in ("", ".", "..") for part in parts):
        return "which is not a plain path"
    try:
        encoded = path.encode()
    except UnicodeEncodeError:
        return "which is no text"
    if len(encoded) > MAX_PATH or any(len(part.encode()) > MAX_PART for part in parts):
        return "which is too long"
    return ""
