"""Fetching a whole codebase, and asking its server whether that is still what it has."""

import hashlib
import time
from dataclasses import dataclass
from typing import Final

import msgspec

from pipy_core.codebase.client import Answer, Client, FetchError, Validators
from pipy_core.codebase.location import Location
from pipy_core.codebase.manifest import fault_of, is_manifest, read_manifest

#: Bytes of a file, of a manifest, and of all files of a codebase: they are held in memory until the last one has come.
MAX_FILE: Final = 16 * 1024 * 1024
MAX_MANIFEST: Final = 1024 * 1024
MAX_TOTAL: Final = 64 * 1024 * 1024
#: Attempts at a codebase that changes while it is fetched.
ATTEMPTS: Final = 3
#: Files that are looked at in one round, where each has to be; the next round goes on with the others.
LOOKS: Final = 64
_VERSION_LENGTH: Final = 12
_LONGEST_VERSION: Final = 100


class About(msgspec.Struct, frozen=True):
    """What a server had.

    :ivar main: the path of the main script.
    :ivar version: what the server calls it; else the beginning of a digest of all files.
    :ivar fetched: when it was taken, in seconds since 1970.
    :ivar base: the encoded path that the manifest or the script was found at.
    :ivar document: SHA-256 of the manifest or the script.
    :ivar digests: SHA-256 of each file by its path.
    :ivar validators: what the server said of each file of a manifest by its path, and of the manifest or script by an empty one.
    :ivar uniform: the manifest and all files have the same ``etag``: it is the version of the codebase, and changes with each.
    """

    main: str
    version: str
    fetched: float
    base: str
    document: str
    digests: dict[str, str]
    validators: dict[str, Validators]
    uniform: bool

    def is_same(self, other: "About") -> bool:
        """Whether *other* has the same files. A repository may give them a new version: then it is another."""
        same = (self.main, self.digests) == (other.main, other.digests)
        return same and (self.version == other.version or not (self.uniform and other.uniform))


@dataclass(frozen=True, slots=True)
class Download:
    """What a server has, and what is to be known of it.

    :ivar files: contents by path.
    """

    files: dict[str, bytes]
    about: About


def digest_of(content: bytes) -> str:
    """By which a file is told apart from a changed one."""
    return hashlib.sha256(content).hexdigest()


def download(client: Client, location: Location) -> Download:
    """Fetch all of it.

    :raises FetchError: a file cannot be had; the manifest is wrong; it changes again and again.
    """
    for _ in range(ATTEMPTS):
        document = client.get(location.path, MAX_FILE, location.query)
        if not is_manifest(document.body):
            return _script(location, document)
        result = _codebase(client, location, document)
        after = client.head(location.path, location.query)
        if after is None or after.agrees(document.validators) is not False:
            return result
    raise FetchError(f"cannot fetch {location.shown}: it changes while it is fetched")


def _script(location: Location, document: Answer) -> Download:
    if document.media_type == "text/html" and document.body.lstrip().startswith(b"<"):
        raise FetchError(f"{location.shown} is a page: expected a script, or a manifest, which lists the paths of the files")
    main = f"/{location.name}"
    fault = fault_of(main)
    if fault:
        raise FetchError(f"{location.shown} cannot be a script: it is called {main!r}, {fault}")
    return _download(document, {main: document.body}, {"": document.validators})


def _codebase(client: Client, location: Location, document: Answer) -> Download:
    try:
        if len(document.body) > MAX_MANIFEST:
            raise ValueError(f"the manifest has more than {MAX_MANIFEST} bytes")
        paths = read_manifest(document.body)
    except ValueError as error:
        raise FetchError(f"cannot use {location.shown}: {error}") from None
    files: dict[str, bytes] = {}
    validators = {"": document.validators}
    total = 0
    for path in paths:
        answer = client.get(location.below(path, document.path), MAX_FILE)
        total += len(answer.body)
        if total > MAX_TOTAL:
            raise FetchError(f"cannot use {location.shown}: it has more than {MAX_TOTAL} bytes")
        files[path], validators[path] = answer.body, answer.validators
    return _download(document, files, validators)


def _download(document: Answer, files: dict[str, bytes], validators: dict[str, Validators]) -> Download:
    digests = {path: digest_of(content) for path, content in files.items()}
    tags = {each.tag for each in validators.values()}
    tag = "".join(filter(str.isprintable, tags.pop())) if len(tags) == 1 else ""
    about = About(
        main=next(iter(files)),
        version=tag[:_LONGEST_VERSION] or digest_of(repr(sorted(digests.items())).encode())[:_VERSION_LENGTH],
        fetched=time.time(),
        base=document.path,
        document=digest_of(document.body),
        digests=digests,
        validators=validators,
        uniform=tag != "" and len(validators) > 1,
    )
    return Download(files, about)


class Lookout:
    """Asks whether the server has something else."""

    def __init__(self, client: Client, location: Location) -> None:
        self._client = client
        self._location = location
        self._next = 0  # of the files that are looked at in turn

    def is_changed(self, about: About) -> bool:
        """Whether the server has something else than *about*, as far as can be seen in one round.

        :raises FetchError: it does not say.
        """
        location = self._location
        if self._differs(location.path, location.query, about.validators[""], about.document):
            return True
        paths = [path for path in about.validators if path]
        if about.uniform or not paths:
            return False
        first = self._next if self._next < len(paths) else 0
        self._next = first + LOOKS
        return any(
            self._differs(location.below(path, about.base), "", about.validators[path], about.digests[path])
            for path in paths[first : first + LOOKS]
        )

    def _differs(self, path: str, query: str, known: Validators, digest: str) -> bool:
        found = self._client.head(path, query)
        agreed = None if found is None else found.agrees(known)
        if agreed is None:
            agreed = digest_of(self._client.get(path, MAX_FILE, query, quiet=True).body) == digest
        return not agreed
