"""Declarations in TypeScript, taken apart."""

from pipy_core.reference.declarations import Declaration, declarations

TYPINGS = """\
/**
 * A thing.
 * It is small.
 *
 * And more about it.
 * @param size in bytes
 * @example
 * ```js
 * new Thing(1)
 *   .grow()
 * ```
 */
declare class Thing {
  /**
   * Makes it larger.
   * @example
   * ```js
   * thing.grow()
   * ```
   */
  grow(): this
}

/** Another one. */
declare const other: Thing
declare function make(
  size: number,
): Thing;
interface Options {
  a?: number
}
"""


def test_each_declaration_with_its_comment_and_examples():
    found = declarations([TYPINGS])
    assert list(found) == ["Thing", "other", "make", "Options"]
    (thing,) = found["Thing"]
    assert thing.summary == "A thing.\nIt is small."
    assert thing.examples == ("new Thing(1)\n  .grow()", "thing.grow()")
    assert (
        thing.text
        == """\
/**
 * A thing.
 * It is small.
 *
 * And more about it.
 * @param size in bytes
 */
declare class Thing {
  /**
   * Makes it larger.
   */
  grow(): this
}"""
    )
    assert found["other"] == [Declaration("other", "/** Another one. */\ndeclare const other: Thing", "Another one.", ())]


def test_a_declaration_over_several_lines_ends_where_it_ends():
    assert declarations([TYPINGS])["make"][0].text.splitlines()[0] == "declare function make("


def test_parts_of_one_global_stay_together():
    texts = ["declare namespace algo {\n  class A {}\n}", "declare namespace algo {\n  class B {}\n}"]
    assert [each.text for each in declarations(texts)["algo"]] == texts


def test_nothing_declares_nothing():
    assert declarations(["", "\n\n"]) == {}
