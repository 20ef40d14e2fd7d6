from pathlib import Path, PurePosixPath

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipy_core.codebase.manifest import MAX_FILES, fault_of, is_manifest, read_manifest


@pytest.mark.parametrize(
    ("body", "answer"),
    [
        (b"/main.js", True),
        (b"\xef\xbb\xbf/main.js", True),
        (b"/\n", True),
        (b"// a comment", False),
        (b"/* a comment */", False),
        (b"pipy()", False),
        (b" /main.js", False),
        (b"/", False),
        (b"", False),
    ],
)
def test_a_list_or_a_script(body, answer):
    assert is_manifest(body) is answer


def test_the_first_line_is_the_main_script():
    assert read_manifest(b"\xef\xbb\xbf/z.js\r\n/a.js\n\n/sub/b c.json\n/a.js") == ["/z.js", "/a.js", "/sub/b c.json"]


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b"/\xff", "the manifest is not UTF-8 text"),
        (b"/a.js\nb.js", "the manifest lists 'b.js', which does not begin with a slash"),
        (b"/a.js\n/sub/", "the manifest lists '/sub/', a directory"),
        (b"/a.js\n/../etc/passwd", "the manifest lists '/../etc/passwd', which is not a plain path"),
        (b"/a/./b", "the manifest lists '/a/./b', which is not a plain path"),
        (b"/a//b", "the manifest lists '/a//b', which is not a plain path"),
        (b"/a\\..\\b", "the manifest lists '/a\\\\..\\\\b', which has a character in it that paths cannot have"),
        (b"/a\0b", "the manifest lists '/a\\x00b', which has a character in it"),
        (b"/" + b"a" * 256, f"the manifest lists {'/' + 'a' * 99!r}, which is too long"),
        (b"/a" * 600, f"the manifest lists {'/a' * 50!r}, which is too long"),
        (b"/a.js\n/a.js/b", "the manifest lists '/a.js' as a file and as a directory"),
        (b"".join(b"/%d\n" % number for number in range(MAX_FILES + 1)), f"the manifest lists more than {MAX_FILES} files"),
    ],
)
def test_wrong_manifests(body, message):
    with pytest.raises(ValueError, match=r"^the manifest ") as caught:
        read_manifest(body)
    assert str(caught.value).startswith(message)


def test_as_many_files_as_may_be():
    assert len(read_manifest(b"".join(b"/%d\n" % number for number in range(MAX_FILES)))) == MAX_FILES


parts = st.sampled_from(["..", ".", "", "a", "b.js", "~", "\0", "\\", "C:", " ", "\u202e", "ü", "%2e%2e", "..a", "\udc80", "\n"])


@given(st.lists(parts, min_size=1, max_size=6).map("/".join).map("/".__add__) | st.text(max_size=30))
def test_a_path_without_fault_stays_below_the_root(path):
    if fault_of(path):
        return
    assert path.startswith("/")
    assert "\0" not in path
    assert ".." not in PurePosixPath(path).parts
    found = Path("/root") / path[1:]
    assert found.is_relative_to("/root")
    assert found != Path("/root")
    assert str(found) == f"/root{path}"


@given(st.lists(st.lists(parts, min_size=1, max_size=3).map("/".join).map("/".__add__), max_size=6))
def test_a_manifest_is_refused_or_can_be_written(tmp_path_factory, paths):
    try:
        found = read_manifest("\n".join(paths).encode("utf-8", "replace"))
    except ValueError:
        return
    root = tmp_path_factory.mktemp("root")
    for number, path in enumerate(found):
        file = root / path[1:]
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(b"%d" % number)
    assert [(root / path[1:]).read_bytes() for path in found] == [b"%d" % number for number in range(len(found))]
    assert len([file for file in root.rglob("*") if file.is_file()]) == len(found)
