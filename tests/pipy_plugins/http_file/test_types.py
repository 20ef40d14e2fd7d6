import pytest

from pipy_plugins.http_file.types import type_of


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("index.html", "text/html"),
        ("a/b.c/INDEX.HTML", "text/html"),
        ("x.js", "application/javascript"),
        ("x.min.js", "application/javascript"),
        ("x.jpeg", "image/jpeg"),
        ("x.unknown", "application/octet-stream"),
        ("html", "application/octet-stream"),
        ("dir.html/file", "application/octet-stream"),
        ("x.", "application/octet-stream"),
        (".html", "text/html"),
        ("", "application/octet-stream"),
    ],
)
def test_types(path, kind):
    assert type_of(path) == kind
