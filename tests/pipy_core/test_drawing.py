"""What is drawn of a module. The layouts hold no filters that could run: the drawing knows labels and targets only."""

from typing import Any, cast

import pytest

from pipy_core.drawing import draw
from pipy_core.errors import ArgumentError
from pipy_core.layout import Layout, Use


def use(label: str, joins: str = "", *targets: Layout | None) -> Use:
    return Use(label, cast(Any, None), joins=joins, targets=cast(Any, targets))


def layout(name: str, *uses: Use | str) -> Layout:
    made = Layout(name, "/m.js")
    made.complete(tuple(use(each) if isinstance(each, str) else each for each in uses), cast(Any, None))
    return made


def drawing(*roots: tuple[str, Layout], named: tuple[Layout, ...] = ()) -> str:
    return "\n".join(draw("/m.js", roots, named)[4:])


def text(picture: str) -> str:
    """A picture as it is written in a test: with a line break in front and behind."""
    return picture.removeprefix("\n")


def test_the_heading_names_the_module() -> None:
    assert draw("/proxy.js", [], []) == ["", "Module /proxy.js", "================", ""]


def test_everything_at_once() -> None:
    send = layout("send", "pack", "connect")
    log = layout("log", use("merge", "fork", send))
    conn = layout("conn", "connect")
    a = layout("a", use("muxHTTP", "link", conn))
    b = layout("b", "dump", "print")
    req = layout("req", use("fork", "fork", log), use("link", "link", a, b, None), "replaceMessageStart")
    root = layout("", "handleStreamStart", use("demuxHTTP", "link", req))
    assert drawing(("Listen on 8000 at 0.0.0.0", root), named=(req, log, send, a, conn, b)) == text("""
 [Listen on 8000 at 0.0.0.0]
 ----->|
       |
      handleStreamStart
      demuxHTTP
       |
       |--> [req]
             fork
              |
              |--> [log]
              |     merge
              |      |
              |      |--> [send]
              |      |     pack
              |      |     connect
              |      |
              |
             link
              |
              |--> [a]
              |     muxHTTP
              |      |
              |      |--> [conn]
              |            connect -->|
              |                       |
              |--> [b]                |
              |     dump              |
              |     print ----------->|
              |                       |
              |--> [[empty]] -------->|
                                      |
                                      v
              |<-----------------------
              |
              v
             replaceMessageStart -->|
                                    |
 <----------------------------------|
""")


@pytest.mark.parametrize(
    ("uses", "picture"),
    [
        pytest.param(
            (),
            """
 [Task #1 (1s)]
 ----->|
       |
 <-----|
""",
            id="no-filters",
        ),
        pytest.param(
            ("decodeHTTPRequest", "dump"),
            """
 [Task #1 (1s)]
 ----->|
       |
      decodeHTTPRequest
      dump
       |
 <-----|
""",
            id="plain",
        ),
        pytest.param(
            (use("fork", "fork", layout("p", "x"), layout("q")),),
            """
 [Task #1 (1s)]
 ----->|
       |
      fork
       |
       |--> [p]
       |     x
       |
       |--> [q]
       |
 <-----|
""",
            id="fork-at-the-end",
        ),
        pytest.param(
            (use("link", "link", layout("p", use("fork", "fork", layout("q", "x")))), "next"),
            """
 [Task #1 (1s)]
 ----->|
       |
      link
       |
       |--> [p]
             fork
              |
              |--> [q]
              |     x
              |--->|
                   |
                   v
       |<-----------
       |
       v
      next
       |
 <-----|
""",
            id="fork-at-the-end-of-a-branch",
        ),
        pytest.param(
            (use("link", "link", layout("p"), layout("q", use("mux", "link", layout("a-long-name", "x")), "y")),),
            """
 [Task #1 (1s)]
 ----->|
       |
      link
       |
       |--> [p] ---------------->|
       |                         |
       |--> [q]                  |
             mux                 |
              |                  |
              |--> [a-long-name] |
                    x -->|       |
                         |       |
                         v       |
              |<----------       |
              |                  |
              v                  |
             y ----------------->|
                                 |
 <-------------------------------|
""",
            id="a-line-goes-down-outside-of-all-it-passes",
        ),
    ],
)
def test_shapes(uses: tuple[Use | str, ...], picture: str) -> None:
    assert drawing(("Task #1 (1s)", layout("", *uses))) == text(picture)


def test_order_is_that_of_titles_and_linked_pipelines_are_drawn_where_they_are_linked() -> None:
    shared = layout("shared", "x")
    roots = [
        ("Task #1 (1s)", layout("", use("link", "link", shared))),
        ("Listen on 80 at ::", layout("")),
        ("Listen on 7 at ::", layout("")),
    ]
    named = [layout("z"), shared, layout("b")]
    lines = draw("/m.js", roots, named)
    assert [line for line in lines if line.startswith(" [")] == [
        " [Listen on 7 at ::]",
        " [Listen on 80 at ::]",
        " [Task #1 (1s)]",
        " [b]",
        " [z]",
    ]


def loop(names: str, back_to: int) -> list[Layout]:
    """Layouts that link to each other in turn, the last one to number *back_to*."""
    made = [Layout(name, "/m.js") for name in names]
    for number, each in enumerate(made):
        following = made[number + 1] if number + 1 < len(made) else made[back_to]
        each.complete((use("link", "link", layout("other"), following),), cast(Any, None))
    return made


@pytest.mark.parametrize(("names", "back_to", "culprit"), [("a", 0, "a"), ("abc", 0, "a"), ("abc", 1, "b"), ("abc", 2, "c")])
def test_recursion_is_refused(names: str, back_to: int, culprit: str) -> None:
    made = loop(names, back_to)
    with pytest.raises(ArgumentError, match=f"^recursive pipeline: {culprit}$"):
        draw("/m.js", [("Listen on 80 at ::", layout("", use("link", "link", made[0])))], made)


def test_recursion_is_refused_where_no_root_leads_to_it() -> None:
    with pytest.raises(ArgumentError, match="recursive pipeline: a"):
        draw("/m.js", [], loop("ab", 0))


def test_a_pipeline_linked_twice_is_no_recursion() -> None:
    shared = layout("shared", "x")
    assert drawing(("Task", layout("", use("link", "link", shared, shared)))).count("[shared]") == 2


def test_a_drawing_that_doubles_at_each_level_ends() -> None:
    below = layout("leaf", "x")
    for level in range(30):
        below = layout(f"level{level}", use("link", "link", below, below))
    lines = draw("/m.js", [("Task", below)], [])
    assert len(lines) < 5000
    assert any(line.strip(" |").startswith("...") for line in lines)
