"""Objects of Python in the hands of a script, and settings that a function gives."""

import gc
import weakref

import pytest

from pipy_core.context import ScriptDict, ScriptList
from pipy_core.errors import ScriptError
from pipy_core.kit.native import Native


class Key(Native):
    """Something to hold."""

    def __init__(self, text):
        self.text = text


def story(play, function, check, *arguments, plain=False, **hosts):
    """*check* what *function*, which may use the class ``Key``, gives when it is called."""

    def run(stage):
        stage.load(main=f"((native, Key) => pipy().pipeline('p').call({function}))(...prepare())")
        check(stage.program.call(stage.program.new_context(), stage.functions()[0], arguments, plain=plain))

    def prepare(registry):
        registry.add_script(
            "key.js",
            """({ Native, host }) => {
              class Key extends Native { constructor(text) { super(host('key', text)) } get text() { return host('read', this) } }
              return { prepare: () => [Native, Key] }
            }""",
        )

    play(run, prepare=prepare, key=Key, read=lambda key: key.text, **hosts)


def test_a_script_that_holds_one_uses_it(play):
    def check(value):
        assert value == "secret"

    story(play, "() => new Key('secret').text", check)


def test_it_comes_back_as_the_very_same_object(play):
    kept = Key("mine")

    def check(value):
        assert value is kept

    story(play, "key => key", check, kept)


def test_the_script_sees_nothing_of_it(play):
    def check(value):
        assert value == "{} Key"

    story(play, "() => JSON.stringify(new Key('secret')) + ' ' + new Key('').constructor.name", check)


def test_it_is_a_constant_of_a_filter(play):
    def run(stage):
        stage.load(main="pipy().pipeline('p').call({ key: prepare() })")
        (options,) = stage.functions()
        assert options["key"].text == "constant"

    def prepare(registry):
        registry.add_script("key.js", "({ host }) => ({ prepare: () => host('key', 'constant') })")

    play(run, prepare=prepare, key=Key)


def test_plain_objects_come_by_value(play):
    def check(value):
        assert type(value) is ScriptDict
        assert value["key"].text == "k"
        assert value["list"] == [1, "a", {"b": None}]
        assert type(value["list"]) is ScriptList

    story(play, "() => ({ key: new Key('k'), list: [1, 'a', { b: null }] })", check, plain=True)


def test_a_value_inside_itself_is_an_error_of_the_script(play):
    with pytest.raises(ScriptError, match="call stack"):
        story(play, "(it => () => (it.self = it, it))({})", print, plain=True)


def test_nothing_is_kept_that_no_script_holds(play):
    gone = []

    def key(text):
        made = Key(text)
        gone.append(weakref.ref(made))
        return made

    def run(stage):
        stage.load(main="pipy().pipeline('p').call(() => { for (let i = 0; i < 30000; i++) ask('make', 'x') })")
        stage.call(0)
        stage.call(0)
        gc.collect()
        assert len(gone) == 60000
        assert sum(reference() is not None for reference in gone) < 31000

    play(run, make=key)


def test_a_message_that_was_given_to_a_host_function_can_be_given_and_returned_again(play):
    seen = []

    def run(stage):
        stage.load(
            main="(look => pipy().pipeline('p').call(m => (m = new Message({ a: 1 }, 'b'), look(m), look([m]), m)))(prepare())"
        )
        message = stage.program.call(stage.program.new_context(), stage.functions()[0], ())
        assert message.head.fields == {"a": 1}
        assert seen == [{"a": 1}, {"a": 1}]
        del message
        gc.collect()
        stage.program.call(stage.program.new_context(), stage.functions()[0], ())
        assert stage.engine.codec.counts()["heads"] == 1

    def look(message):
        seen.append((message[0] if isinstance(message, list) else message).head.fields)

    def prepare(registry):
        registry.add_script("look.js", "({ host }) => ({ prepare: () => message => host('look', message) })")

    play(run, prepare=prepare, look=look)
