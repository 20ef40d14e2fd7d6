"""Media types by the extension of a file's name."""

from typing import Final

#: The original's list, in its exact words, and what else a web site is made of.
TYPES: Final = {
    "html": "text/html",
    "css": "text/css",
    "xml": "text/xml",
    "txt": "text/plain",
    "gif": "image/gif",
    "png": "image/png",
    "jpg": "image/jpeg",
    "svg": "image/svg+xml",
    "woff": "font/woff",
    "woff2": "font/woff2",
    "ico": "image/x-icon",
    "js": "application/javascript",
    "json": "application/json",
    # not in the original
    "avif": "image/avif",
    "csv": "text/csv",
    "gz": "application/gzip",
    "htm": "text/html",
    "jpeg": "image/jpeg",
    "map": "application/json",
    "md": "text/markdown",
    "mjs": "application/javascript",
    "mp3": "audio/mpeg",
    "mp4": "video/mp4",
    "ogg": "audio/ogg",
    "otf": "font/otf",
    "pdf": "application/pdf",
    "tar": "application/x-tar",
    "ttf": "font/ttf",
    "wasm": "application/wasm",
    "wav": "audio/wav",
    "webm": "video/webm",
    "webmanifest": "application/manifest+json",
    "webp": "image/webp",
    "xhtml": "application/xhtml+xml",
    "zip": "application/zip",
}
UNKNOWN: Final = "application/octet-stream"


def type_of(path: str) -> str:
    """The media type of the file at *path*."""
    name = path.rpartition("/")[2]
    _, dot, extension = name.rpartition(".")
    return TYPES.get(extension.lower(), UNKNOWN) if dot else UNKNOWN
