"""XML: what is read, what is refused, what is written."""

import json
import tracemalloc

import pytest
from hypothesis import given

from contrib.fuzz import xml as fuzz
from pipy_core.api import Data
from pipy_core.testing import logged
from pipy_plugins import xml_global
from pipy_plugins.xml_global import MAX_DEPTH, MAX_NODES, MAX_SIZE, parse

LAUGHS = b"""<!DOCTYPE lolz [<!ENTITY a "lol"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;"><!ENTITY c "&b;&b;&b;&b;&b;&b;&b;&b;&b;&b;">]>
<lolz>&c;</lolz>"""


@pytest.mark.parametrize(
    ("document", "found"),
    [
        ("<a/>", [["a", None], 0]),
        ("<a b='1' c=\"2\"/>", [["a", {"b": "1", "c": "2"}], 0]),
        ("<a>x<b/> y </a>", [["a", None], "x", ["b", None], 0, " y ", 0]),
        ("<a>1 &lt; 2 &amp; &#233;\n<![CDATA[<&>]]></a>", [["a", None], "1 < 2 & \u00e9\n<&>", 0]),
        ("<?xml version='1.0'?><!-- c --><a><!-- c --><?pi x?></a>", [["a", None], 0]),
        ("<x:a xmlns:x='u' x:b='1'/>", [["x:a", {"xmlns:x": "u", "x:b": "1"}], 0]),
        ("<!DOCTYPE html><html/>", [["html", None], 0]),
        ("<!DOCTYPE a SYSTEM 'file:///etc/passwd'><a/>", [["a", None], 0]),
        ("<!DOCTYPE a [<!ELEMENT a ANY>]><a/>", [["a", None], 0]),
    ],
)
def test_parse(document, found):
    assert parse(document) == found
    assert parse(document.encode()) == found


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "latin-1", "iso-8859-15"])
def test_bytes_name_their_encoding(encoding):
    declared = encoding.removesuffix("-sig")
    content = f"<?xml version='1.0' encoding='{declared}'?><a>\u00e9</a>".encode(encoding)
    assert parse(content) == [["a", None], "\u00e9", 0]


def test_a_text_has_no_encoding_any_more():
    assert parse("<?xml version='1.0' encoding='utf-16'?><a>\u00e9</a>") == [["a", None], "\u00e9", 0]


@pytest.mark.parametrize(
    "document",
    ["", "x", "<a>", "<a></b>", "<a/><b/>", "<a b=1/>", "<a b='1' b='2'/>", "<a>&x;</a>", "<a>&#0;</a>", "<a>\x01</a>", "<a>]]></a>",
     b"<a>\xff</a>", b"\xff\xfe", b"<?xml version='1.0' encoding='nobody knows'?><a/>", b"<?xml version='1.0' encoding='utf-7'?><a/>",
     b"<?xml version='1.0' encoding='rot13'?><a/>"],
)  # fmt: skip
def test_what_is_not_well_formed_is_none(document):
    with logged() as lines:
        assert parse(document) is None
    assert lines == []


@pytest.mark.parametrize(
    "document",
    [
        LAUGHS,
        b"<!DOCTYPE a [<!ENTITY x SYSTEM 'file:///etc/passwd'>]><a>&x;</a>",
        b"<!DOCTYPE a [<!ENTITY % x SYSTEM 'http://localhost/'> %x;]><a/>",
        b"<!DOCTYPE a [<!ATTLIST a b CDATA 'default'>]><a/>",
        b"<!DOCTYPE a SYSTEM 'x.dtd'><a>&x;</a>",
    ],
)
def test_what_makes_documents_grow_is_refused(document):
    with logged() as lines:
        assert parse(document) is None
    assert lines == ["[WRN] [XML] a document declares entities or attributes, or refers to an entity that it does not declare"]


def test_depth():
    assert parse("<a>" * MAX_DEPTH + "</a>" * MAX_DEPTH) is not None
    with logged() as lines:
        assert parse("<a>" * 1_000_000) is None
    assert lines == ["[WRN] [XML] elements are nested more than 256 deep"]


def test_nodes():
    assert parse("<a>" + "<b/>" * (MAX_NODES - 1) + "</a>") is not None
    tracemalloc.start()
    with logged() as lines:
        assert parse("<a>" + "<b/>" * 1_000_000 + "</a>") is None
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert lines == ["[WRN] [XML] there are more than 200000 elements, attributes and texts in a document"]
    assert peak < 128 << 20


def test_attributes_count_too():
    attributes = " ".join(f"a{number}=''" for number in range(MAX_NODES))
    with logged() as lines:
        assert parse(f"<a {attributes}/>") is None
    assert len(lines) == 1


def test_size():
    with logged() as lines:
        assert parse("<a>" + " " * MAX_SIZE + "</a>") is None
    assert lines == ["[WRN] [XML] a document of 8388615 bytes is larger than 8388608"]


def run(**functions):
    """What functions of a script give, each called without arguments."""
    script, results = fuzz.Script([xml_global], **functions), []
    script.run(lambda: results.extend(script(name) for name in functions))
    return results


def test_nodes_have_a_name_attributes_and_children():
    [made, empty] = run(
        made="() => JSON.stringify(new XML.Node('a', { b: 'c' }, ['d', new XML.Node('e')]))",
        empty="() => (node => String([node.attributes, node.children, node instanceof XML.Node]))(new XML.Node('a'))",
    )
    assert json.loads(made) == {
        "name": "a",
        "attributes": {"b": "c"},
        "children": ["d", {"name": "e", "attributes": None, "children": None}],
    }
    assert empty == ",,true"


def test_parse_and_decode_give_a_document():
    shown = "root => JSON.stringify([root.name, root.attributes, root.children.length, root.children[0] instanceof XML.Node])"
    results = run(
        parse=f"() => ({shown})(XML.parse('<a>\u00e9</a>'))",
        decode=f"() => ({shown})(XML.decode(new Data('<a/>')))",
        bad="() => String([XML.parse('<a'), XML.decode(new Data('')), XML.decode(null), XML.encode(null), XML.stringify(null)])",
    )
    assert results == ['["",{},1,true]'] * 2 + [",,,,"]


@pytest.mark.parametrize(
    ("root", "space", "text"),
    [
        ("['', null, [['a', { b: 1, c: null, d: 'x<>&\"\\'\\n\\r\\t' }, null]]]", 0,
         "<a b=\"1\" d=\"x&lt;&gt;&amp;&quot;'&#10;&#13;&#9;\"/>"),
        ("['', null, [['a', null, ['x < y & z']]]]", 0, "<a><![CDATA[x < y & z]]></a>"),
        ("['', null, [['a', null, ['a]]>b']]]]", 0, "<a><![CDATA[a]]]]><![CDATA[>b]]></a>"),
        ("['', null, [['a', null, ['a\\r<']]]]", 0, "<a>a&#13;&lt;</a>"),
        ("['', null, [['a', null, ['\\0']]]]", 0, "<a>\ufffd</a>"),
        ("['', null, [['a', null, ['x', null, 5, ['b']]]]]", 0, "<a>x5<b/></a>"),
        ("['', null, [['a', null, [['b', null, ['text']], ['c'], 'x']]]]", 2, "<a>\n  <b>text</b>\n  <c/>\n  x\n</a>\n"),
        ("['', null, [['a', null, [['b']]]]]", 99, "<a>\n          <b/>\n</a>\n"),
        ("['', null, [['a', null, [['b']]]]]", -1, "<a><b/></a>"),
        ("['', null, []]", 0, ""),
        ("['', null, null]", 0, ""),
        ("['', null, ['text']]", 0, ""),
        ("['', null, [['a'], ['b']]]", 0, ""),
        ("['a', null, [['b']]]", 0, ""),
    ],
)  # fmt: skip
def test_written(root, space, text):
    build = "(function build(node) { return Array.isArray(node) ? new XML.Node(node[0], node[1], node[2]?.map(build)) : node })"
    assert run(
        text=f"() => XML.stringify({build}({root}), {space})", data=f"() => XML.encode({build}({root}), {space}).toString()"
    ) == [text, text]


@pytest.mark.parametrize(
    ("expression", "message"),
    [
        ("XML.stringify(new XML.Node('', null, [new XML.Node('a b')]))", "not a name in XML: a b"),
        ("XML.stringify(new XML.Node('', null, [new XML.Node('a', { 'x><y': '' })]))", "not a name in XML: x><y"),
        ("(node => (node.children.push(node), XML.stringify(new XML.Node('', null, [node]))))(new XML.Node('a', null, ['x']))",
         "elements are nested too deeply"),
        ("XML.parse(5)", "argument #1 expects a string"),
        ("XML.decode('x')", "argument #1 expects an instance of Data"),
        ("new XML.Node()", "argument #1 expects a string"),
        ("new XML.Node('a', 'b')", "argument #2 expects an object"),
        ("new XML.Node('a', ['b'])", "argument #2 expects an object"),
        ("new XML.Node('a', null, 'text')", "argument #3 expects an array"),
    ],
)  # fmt: skip
def test_errors(expression, message):
    assert run(run=f"() => {{ try {{ {expression} }} catch (error) {{ return error.message }} }}") == [message]


@pytest.mark.parametrize("each", fuzz.PROPERTIES, ids=lambda each: each.name)
def test_properties(each):
    fuzz.around(given(each.examples)(each.check))


def test_the_documents_of_the_properties_are_read():
    """Properties that hold for nothing but documents that are refused would say nothing."""
    content = Data("<?xml version='1.0' encoding='latin-1'?><b:c é='&lt;'>a<a/></b:c>".encode("latin-1"))
    seen = []
    fuzz.SCRIPT.run(lambda: seen.append(fuzz.SCRIPT("read", content)))
    assert json.loads(seen[0]) == ["", {}, [["b:c", {"é": "<"}, ["a", ["a", {}, []]]]]]
