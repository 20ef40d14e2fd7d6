"""XML: what is written is read again; whatever the bytes are, there is a document or none."""

import json
from typing import Any

from hypothesis import strategies as st

from contrib.fuzz.properties import Property, damaged
from contrib.fuzz.scripts import Script
from pipy_core.api import Data
from pipy_plugins import xml_global

_BUILD = """
  const build = (tree) =>
    typeof tree === "string" ? tree : new XML.Node(tree[0], tree[1], tree[2].map(build));
  const show = (node) =>
    typeof node === "string" ? node : [node.name, node.attributes ?? {}, node.children.map(show)];
"""

SCRIPT = Script(
    [xml_global],
    comes_back=f"""(text, space) => {{ {_BUILD}
        const root = build(["", {{}}, [JSON.parse(text)]]);
        return JSON.stringify(show(XML.decode(XML.encode(root)))) + "\\n" + JSON.stringify(show(root)) }}""",
    write=f"(text, space) => {{ {_BUILD} return XML.stringify(build(['', {{}}, [JSON.parse(text)]]), space) }}",
    read=f"data => {{ {_BUILD} const root = XML.decode(data); return root === null ? null : JSON.stringify(show(root)) }}",
    passes="""data => {
        const root = XML.decode(data);
        if (root === null) return true;
        return XML.stringify(XML.parse(XML.stringify(root))) === XML.stringify(root);
    }""",
)

_NAMES = st.sampled_from(["a", "b:c", "_", "é", "a-1.2"])
#: What XML can say; a carriage return as well, although it takes care.
_TEXT = st.text(st.sampled_from("a <>&\"']\r\n\té\U0001f600\ufffd"), min_size=1, max_size=8)
_ATTRIBUTES = st.dictionaries(_NAMES, st.text(st.sampled_from("a <>&\"'\r\n\té"), max_size=6), max_size=2)


def _joined(children: list[Any]) -> list[Any]:
    """Without texts side by side, which are one when they are read."""
    result: list[Any] = []
    for child in children:
        if isinstance(child, str) and result and isinstance(result[-1], str):
            result[-1] += child
        else:
            result.append(child)
    return result


def _elements(children: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.tuples(_NAMES, _ATTRIBUTES, st.lists(children, max_size=3).map(_joined)).map(list)


TREES = st.recursive(_elements(_TEXT), lambda inner: _elements(_TEXT | inner), max_leaves=8)


def _comes_back(tree: Any) -> None:
    read, built = SCRIPT("comes_back", json.dumps(tree)).split("\n")
    assert json.loads(read) == json.loads(built)


def _is_read_or_not(content: bytes) -> None:
    assert SCRIPT("passes", Data(content)) is True


def _written(tree: Any) -> bytes:
    """*tree* as somebody else might write it."""
    name, attributes, children = tree
    inner = b"".join(
        child.replace("&", "&amp;").replace("<", "&#60;").encode() if isinstance(child, str) else _written(child)
        for child in children
    )
    values = "".join(
        f" {key}='{value.replace('&', '&amp;').replace('<', '&lt;').replace(chr(39), '&apos;')}'"
        for key, value in attributes.items()
    )
    return f"<{name}{values}>".encode() + inner + f"</{name}>".encode()


_PROLOGS = st.sampled_from(
    [
        b"",
        b"<?xml version='1.0'?>",
        b"<?xml version='1.0' encoding='latin-1'?>",
        b"<?xml version='1.0' encoding='utf-16'?>",
        b"<?xml version='1.0' encoding='utf-7'?>",
        b"<!DOCTYPE a>",
        b"<!DOCTYPE a SYSTEM 'file:///etc/passwd'>",
        b"<!DOCTYPE a [<!ENTITY x 'y'>]>",
        b"<!DOCTYPE a [<!ATTLIST a b CDATA 'x'>]>",
        b"<!-- c --><?pi?>",
    ]
)
DOCUMENTS = st.tuples(_PROLOGS, TREES.map(_written)).map(b"".join)

around = SCRIPT.run

PROPERTIES = [
    Property("comes back", TREES, _comes_back),
    Property("documents", DOCUMENTS, _is_read_or_not),
    Property("damaged", damaged(DOCUMENTS) | st.binary(max_size=60), _is_read_or_not),
]
