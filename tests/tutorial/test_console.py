"""The tests of the READMEs are only as good as their reading of the READMEs."""

import pytest

from tests.tutorial.console import Step, matches, read_steps

README = """\
# Title

```js
$ not a command
```

```console
$ pipy hello.js
...
... Listening
$ curl -i localhost
HTTP/1.1 200 OK

Hi
```

Some text.

```console
^C
Done.
```
"""


def test_steps_are_found_with_their_output_and_line():
    assert read_steps(README) == [
        Step("pipy hello.js", "...\n... Listening", 8),
        Step("curl -i localhost", "HTTP/1.1 200 OK\n\nHi", 11),
        Step("^C", "Done.", 20),
    ]


@pytest.mark.parametrize("block", ["", "output first\n$ ls\n"])
def test_a_block_without_a_command_at_its_head_is_refused(block):
    with pytest.raises(AssertionError):
        read_steps(f"```console\n{block}```\n")


@pytest.mark.parametrize(
    ("expected", "printed"),
    [
        pytest.param("Hi", "Hi", id="no-newline"),
        pytest.param("Hi", "Hi\n", id="newline"),
        pytest.param("HTTP/1.1 200 OK\nage: 1\n\nHi", "HTTP/1.1 200 OK\r\nage: 1\r\n\r\nHi\n", id="crlf"),
        pytest.param("head\n", "head\r\n\r\n", id="blank-lines-at-the-end"),
        pytest.param("...\nlast", "first\nsecond\nlast", id="any-lines"),
        pytest.param("...\nlast", "last", id="no-lines"),
        pytest.param("date: ... GMT", "date: Fri, 20 Nov 2026 18:56:31 GMT", id="within-a-line"),
        pytest.param("", "", id="nothing"),
    ],
)
def test_matches(expected, printed):
    assert matches(expected, printed)


@pytest.mark.parametrize(
    ("expected", "printed"),
    [
        pytest.param("Hi", "Ha", id="other"),
        pytest.param("Hi", "Hi\nthere", id="more"),
        pytest.param("Hi\nthere", "Hi", id="less"),
        pytest.param("", "Hi", id="not-nothing"),
        pytest.param("a...c", "a\nc", id="dots-within-a-line-stay-there"),
        pytest.param("a.c", "abc", id="a-dot-is-a-dot"),
        pytest.param("...\nlast", "first", id="line-is-missing"),
    ],
)
def test_does_not_match(expected, printed):
    assert not matches(expected, printed)


def test_a_running_program_may_print_more():
    assert matches("one", "one\ntwo", goes_on=True)
    assert not matches("two", "one\ntwo", goes_on=True)
