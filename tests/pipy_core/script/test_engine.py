"""The JavaScript half and the calls into it: heads, Data, contexts, the log; and what does not cross."""

import gc
import math

import pytest

from pipy_core.context import UNDEFINED, Identity
from pipy_core.errors import ScriptError
from pipy_core.events import END, EOS, Data, Failure, Head, Message, MessageStart, StreamEnd
from pipy_core.testing import logged
from tests.engine import by_engine

INBOUND = (7, "10.0.0.1", 1234, "127.0.0.1", 8000)


def script(*functions, variables="{}"):
    """A script with a pipeline ``p`` that calls *functions*."""
    return f"pipy({variables}).pipeline('p')" + "".join(f"\n  .call({function})" for function in functions)


def test_python_may_ask_what_a_source_of_a_plugin_offers(play):
    def plugins(registry):
        registry.add_script(
            "asked.js",
            """(runtime) => {
              const { provide, generation, isAlive } = runtime;
              provide("echo", (...values) => values);
              provide("nothing", () => undefined);
              provide("alive", (number) => [generation(), isAlive(number)]);
              provide("throws", () => { throw new TypeError("no") });
              return {};
            }""",
        )

    def story(stage):
        first = stage.load(main=script("() => 1"))
        assert stage.engine.ask("echo", 1, "\u00fc", [None], {"a": True}) == [1, "\u00fc", [None], {"a": True}]
        assert stage.engine.ask("nothing") is None
        with pytest.raises(ScriptError, match="no"):
            stage.engine.ask("throws")
        with pytest.raises(ScriptError):
            stage.engine.ask("nobody offers this")
        stage.load(main=script("() => 2"))
        assert stage.engine.ask("alive", first.number) == [stage.program.number, True]
        first.retire()
        assert stage.engine.ask("alive", first.number) == [stage.program.number, False]

    play(story, prepare=plugins)


@pytest.fixture
def run(play):
    """``run(function, *arguments)``: what one function of a script gives."""

    def run(function, *arguments, **settings):
        results = []

        def story(stage):
            stage.load(main=script(function))
            results.append(stage.call(0, *arguments))

        play(story, **settings)
        return results[0]

    return run


class TestResults:
    @pytest.mark.parametrize(
        ("function", "result"),
        [
            ("() => undefined", UNDEFINED),
            ("() => {}", UNDEFINED),
            ("() => null", None),
            ("() => false", False),
            ("() => 1.5", 1.5),
            ("() => 1 / 0", math.inf),
            ("() => 10n", 10.0),
            ("() => Symbol('s')", "Symbol(s)"),
            ("() => 'text'", "text"),
            ("() => ''", ""),
            ("() => new MessageEnd", END),
            ("() => new StreamEnd('anything')", EOS),
            ("() => new MessageStart", MessageStart(None)),
            ("() => new MessageStart({ status: 1 })", MessageStart(Head({"status": 1}))),
            ("() => new Message", Message(None, None)),
            ("() => new Message('body')", Message(None, Data(b"body"))),
            ("() => new Message({ a: 1 }, 'body')", Message(Head({"a": 1}), Data(b"body"))),
            ("() => new Message(null, new Data('x'))", Message(None, Data(b"x"))),
            ("() => [1, new Data('x'), [undefined]]", [1, Data(b"x"), [UNDEFINED]]),
            ("(a, b) => b", UNDEFINED),
        ],
    )
    def test_values(self, run, function, result):
        assert run(function) == result

    def test_other_objects_are_known_by_identity(self, play):
        def story(stage):
            stage.load(main=script("() => _map", "() => ({})", variables="{ _map: new Map }"))
            first = stage.call(0)
            assert isinstance(first, Identity)
            assert first == stage.call(0)
            assert first.kind == "Map"
            assert stage.call(1) != stage.call(1)

        play(story)

    def test_the_error_of_an_end(self, run):
        assert run("end => end.error", StreamEnd(Failure.CONNECTION_REFUSED)) == "ConnectionRefused"
        assert run("end => end", StreamEnd(Failure.CONNECTION_REFUSED)) == StreamEnd(Failure.CONNECTION_REFUSED)


class TestHeads:
    def test_what_a_script_changes_is_seen_by_everyone_who_holds_the_head(self, play):
        def story(stage):
            stage.load(main=script("msg => { msg.head.headers.x = '1'; delete msg.head.path }"))
            head = Head({"path": "/", "headers": {}})
            stage.call(0, MessageStart(head))
            assert head.fields == {"headers": {"x": "1"}}

        play(story)

    def test_a_head_is_one_object_for_the_life_of_its_message(self, play):
        def story(stage):
            stage.load(
                main=script("msg => { seen.push(msg.head) }", "msg => seen[0] === msg.head").replace("pipy(", "(seen => pipy(", 1)
                + ")([])"
            )
            head = Head({"path": "/"})
            stage.call(0, MessageStart(head))
            assert stage.call(1, Message(head)) is True
            assert stage.call(1, MessageStart(Head({"path": "/"}))) is False

        play(story)

    def test_properties_that_are_no_json_stay_with_the_head(self, play):
        def story(stage):
            stage.load(
                main=script(
                    "msg => { msg.head.later = () => 7; msg.head.self = msg.head; msg.head.seen = 1 }", "msg => msg.head.later()"
                )
            )
            head = Head({"path": "/"})
            stage.call(0, MessageStart(head))
            assert head.fields == {"path": "/", "seen": 1}
            assert stage.call(1, MessageStart(head)) == 7

        play(story)

    def test_a_head_in_the_result_is_the_same_head(self, run):
        start = MessageStart(Head({"a": 1}))
        result = run("msg => { msg.head.a = 2; return msg }", start)
        assert result.head is start.head
        assert start.head.fields == {"a": 2}

    def test_changes_before_an_exception_count(self, play):
        def story(stage):
            stage.load(main=script("msg => { msg.head.a = 2; throw 1 }", "msg => msg.head.a"))
            head = Head({"a": 1})
            with pytest.raises(ScriptError):
                stage.call(0, MessageStart(head))
            assert stage.call(1, MessageStart(head)) == 2

        play(story)

    def test_a_message_without_head(self, run):
        assert run("msg => msg.head", MessageStart(None)) is None

    def test_looking_without_changing_sends_nothing_back(self, play):
        def story(stage):
            stage.load(main=script("msg => { msg.head.path }"))
            head = Head({"path": "/"})
            fields = head.fields
            stage.call(0, MessageStart(head))
            assert head.fields is fields

        play(story)


class TestData:
    @pytest.mark.parametrize(
        ("expression", "result"),
        [
            ("new Data().size", 0),
            ("new Data('ä€😀').size", 9),
            ("new Data('6869', 'hex').toString()", "hi"),
            ("new Data('aGk=', 'base64').toString()", "hi"),
            ("new Data('aGk', 'base64url').toString()", "hi"),
            ("new Data([104, 105, 256]).toString('hex')", "686900"),
            ("new Data(new Data('hi')).toString('base64')", "aGk="),
            ("new Data('hi>>>').toString('base64url')", "aGk-Pj4"),
            ("new Data('').toString('hex')", ""),
            ("new Data('ab').push('cd').push(new Data('ef')).toString()", "abcdef"),
            ("new Data().pushUInt32BE(258).pushUInt32BE(2 ** 32 - 1).toString('hex')", "00000102ffffffff"),
            ("new Data('00000102', 'hex').shiftUInt32BE()", 258),
            ("new Data('0102', 'hex').shiftUInt32BE()", 258),
            ("new Data([255, 255, 255, 255]).shiftUInt32BE()", 2**32 - 1),
            (
                "((d, h) => [h.toString(), d.toString(), d.size].join())(...(d => { const h = d.shift(2); return [d, h] })(new Data('abcd')))",
                "ab,cd,2",
            ),
            ("new Data('abc').shift(10).toString()", "abc"),
            ("new Data('abc').shift(0).size", 0),
            ("((d) => (d.push(d), d.toString()))(new Data('ab'))", "abab"),
            ("Data.from('zz', 'hex')", None),
            ("Data.from('6869', 'hex').toString()", "hi"),
            ("new Data('a') instanceof Data", True),
            ("new Data([255]).toString() === undefined", True),
        ],
    )
    def test_expressions(self, run, expression, result):
        assert run(f"() => {expression}") == result

    @pytest.mark.parametrize(
        ("expression", "message"),
        [
            ("new Data('abc', 'hex')", "incomplete hex string"),
            ("new Data('xx', 'hex')", "invalid hex encoding"),
            ("new Data('abc', 'base64')", "incomplete Base64 string"),
            ("new Data('ab*=', 'base64')", "invalid Base64 encoding"),
            ("new Data('abcde', 'base64url')", "incomplete Base64 string"),
            ("new Data('ab+/', 'base64url')", "invalid Base64 encoding"),
            ("new Data('a', 'latin9')", "unknown encoding: latin9"),
            ("new Data('a').toString('latin9')", "unknown encoding: latin9"),
            ("Data.from('a', 'latin9')", "unknown encoding: latin9"),
            ("new Data(5)", "argument #1 expects a string, an array or an instance of Data"),
            ("new Data().push(5)", "argument #1 expects a string or an instance of Data"),
            ("new Data().shift('5')", "argument #1 expects a number"),
            ("new Message({}, 5)", "the body of a Message is a string or an instance of Data"),
            ("new MessageStart(5)", "argument #1 expects an object"),
        ],
    )
    def test_errors(self, run, expression, message):
        with pytest.raises(ScriptError) as caught:
            run(f"() => {expression}")
        assert (caught.value.kind, caught.value.message) == ("TypeError", message)

    def test_what_is_taken_from_an_argument_is_gone_from_the_event(self, run):
        data = Data(b"0123456789")
        assert run("data => data.shift(4)", data) == Data(b"0123")
        assert data.payload == b"456789"

    def test_what_is_added_to_an_argument_is_in_the_event(self, run):
        data = Data(b"abc")
        run("data => { data.push('!') }", data)
        assert data.payload == b"abc!"

    def test_a_copy_is_independent(self, run):
        data = Data(b"abc")
        assert run("data => new Data(data).push('!')", data) == Data(b"abc!")
        assert data.payload == b"abc"

    def test_content_that_nobody_looks_at_does_not_cross(self, play):
        def story(stage):
            stage.load(main=script("data => data", "data => data.size"))
            data = Data(bytes(64 << 20))
            assert stage.call(0, data).payload is data.payload
            assert stage.call(1, data) == 64 << 20

        play(story, heap_limit=32 << 20)


class TestLog:
    @pytest.mark.parametrize(
        ("call", "line"),
        [
            ("console.log('a', 1, true)", "[INF] a 1 true"),
            ("console.info(null, undefined)", "[INF] null undefined"),
            ("console.warn({ a: [1, 'b'] })", '[WRN] {"a":[1,"b"]}'),
            ("console.error([1, null])", "[ERR] [1,null]"),
            ("console.log(new Data('text'))", "[INF] text"),
            ("console.log(new Data([255]))", "[INF] (binary)"),
            ("console.log(new Message({ path: '/' }, 'body'))", '[INF] {"head":{"path":"/"},"body":"body"}'),
            ("console.log(() => 1)", "[INF] () => 1"),
            ("console.log(/x/g)", "[INF] /x/g"),
            ("console.log('two\\nlines')", "[INF] two\nlines"),
            ("console.log()", "[INF] "),
            ("(o => { o.o = o; console.log(o) })({})", '[INF] {"o":"[Circular]"}'),
        ],
    )
    def test_forms(self, run, call, line):
        with logged() as lines:
            run(f"() => {{ {call} }}")
        assert lines[-1].replace(" [] ", " ") == line


class TestContexts:
    VARIABLES = "{ _x: 0, _shared: { n: 0 } }"

    def test_every_context_begins_with_the_initial_values(self, play):
        def story(stage):
            stage.load(main=script("() => ++_x", "() => ++_shared.n", variables=self.VARIABLES))
            one, other = stage.program.new_context(), stage.program.new_context()
            assert [stage.call(0, context=one), stage.call(0, context=one), stage.call(0, context=other)] == [1, 2, 1]
            assert [stage.call(1, context=one), stage.call(1, context=other)] == [1, 2]

        play(story)

    def test_a_clone_has_the_values_of_the_moment_and_its_own_from_then_on(self, play):
        def story(stage):
            stage.load(main=script("() => ++_x", "() => _x", variables=self.VARIABLES))
            parent = stage.program.new_context()
            stage.call(0, context=parent)
            clone = stage.program.clone_context(parent)
            stage.call(0, context=parent)
            assert stage.call(1, context=clone) == 1
            stage.call(0, context=clone)
            stage.call(0, context=clone)
            assert [stage.call(1, context=each) for each in (parent, clone)] == [2, 3]
            assert clone.group is parent.group

        play(story)

    def test_a_clone_outlives_its_parent(self, play):
        def story(stage):
            stage.load(main=script("() => __inbound?.id ?? null", variables=self.VARIABLES))
            parent = stage.program.new_context(INBOUND)
            clone = stage.program.clone_context(parent)
            del parent
            gc.collect()
            assert stage.call(0, context=clone) == 7

        play(story)

    def test_the_connection_a_context_began_with(self, play):
        def story(stage):
            stage.load(
                main=script(
                    "() => Object.values(__inbound).join()",
                    "() => __inbound",
                    "() => { __inbound = 1 }",
                    "() => { __inbound.id = 1 }",
                )
            )
            context = stage.program.new_context(INBOUND)
            clone = stage.program.clone_context(context)
            assert stage.call(0, context=context) == "7,10.0.0.1,1234,127.0.0.1,8000"
            assert stage.call(1, context=context) == stage.call(1, context=clone)
            for function in (2, 3):
                with pytest.raises(ScriptError, match="TypeError"):
                    stage.call(function, context=context)
            transparent = stage.program.new_context((*INBOUND, "10.1.2.3", 80))
            assert stage.call(0, context=transparent) == "7,10.0.0.1,1234,127.0.0.1,8000,10.1.2.3,80"
            stage.program.gone(context)
            assert stage.call(1, context=clone) is None
            assert stage.call(1) is None

        play(story)

    def test_the_file_a_function_stands_in(self, play):
        def story(stage):
            stage.load(main="pipy().pipeline('p').call(() => __filename)")
            assert stage.call(0) == "/main.js"

        play(story)

    def test_contexts_that_no_function_sees_never_cross(self, play):
        def story(stage):
            stage.load(main=script("() => 1"))
            calls = stage.engine.isolate.calls
            for _ in range(100):
                parent = stage.program.new_context(INBOUND)
                children = [stage.program.clone_context(parent) for _ in range(3)]
                grandchild = stage.program.clone_context(children[0])
                stage.program.gone(parent)
                del parent, children
                del grandchild
            assert stage.engine.isolate.calls == calls
            assert len(stage.engine.contexts) == 0
            assert stage.engine.contexts._parents == {}
            assert stage.engine.count()["contexts"] == 0

        play(story)

    def test_any_order_of_making_and_dropping_is_obeyed(self, play):
        def story(stage):
            stage.load(main=script("() => _x", "() => ++_x", variables=self.VARIABLES))
            parent = stage.program.new_context(INBOUND)
            dropped, kept = stage.program.clone_context(parent), stage.program.clone_context(parent)
            del dropped
            stage.program.gone(parent)
            del parent
            assert stage.call(1, context=kept) == 1
            again = stage.program.clone_context(kept)
            assert stage.call(0, context=again) == 1
            del kept, again
            other = stage.program.new_context(INBOUND)
            child = stage.program.clone_context(other)
            stage.program.gone(other)
            del child
            del other
            assert stage.call(0) == 0
            assert stage.engine.count()["contexts"] == 0

        play(story)

    def test_forks(self, play):
        def story(stage):
            stage.load(
                main=script(
                    "() => _x",
                    "() => [{ _x: 1 }, null, { _x: 3 }]",
                    "() => 5",
                    "() => [{ _y: 1, _x: 2 }]",
                    variables=self.VARIABLES,
                )
            )
            functions = stage.functions()
            context = stage.program.new_context()
            calls = stage.engine.isolate.calls
            forks = stage.program.fork_contexts(context, "/main.js", functions[1])
            assert stage.engine.isolate.calls == calls + 1
            assert [stage.call(0, context=fork) for fork in forks] == [1, 0, 3]
            with pytest.raises(TypeError, match="invalid initializer list"):
                stage.program.fork_contexts(context, "/main.js", functions[2])
            with logged() as log:
                twice = [stage.program.fork_contexts(context, "/main.js", functions[3]) for _ in range(2)]
            assert log == ["[WRN] [] fork: /main.js has no variable _y"]
            assert [stage.call(0, context=fork) for forks in twice for fork in forks] == [2, 2]
            assert stage.call(0) == 0

        play(story)

    def test_forks_by_a_constant(self, play):
        def story(stage):
            stage.load(main=script("[{ _x: 1, _shared: 2 }]", "{ _x: 4 }", "() => _x", variables=self.VARIABLES))
            constants = [use.make().function for use in stage.program.modules[0].pipelines["p"].uses]
            context = stage.program.new_context()
            for constant, expected in zip(constants, ([1], [4]), strict=False):
                forks = stage.program.fork_contexts(context, "/main.js", constant)
                assert [stage.call(2, context=fork) for fork in forks] == expected

        play(story)


class TestErrors:
    @pytest.mark.parametrize(
        ("statement", "kind", "message"),
        [
            ("throw new RangeError('far')", "RangeError", "far"),
            ("throw 'text'", "Error", "thrown: text"),
            ("throw null", "Error", "thrown: null"),
            ("throw { code: 5 }", "Error", 'thrown: {"code":5}'),
            (
                "null.x",
                "TypeError",
                by_engine(v8="Cannot read properties of null (reading 'x')", quickjs="cannot read property 'x' of null"),
            ),
            ("nobody", "ReferenceError", "nobody is not defined"),
            ("JSON.parse('{')", "SyntaxError", "Expected property name or '}' in JSON at position 1 (line 1 column 2)"),
            ("throw Object.assign(new Error('own'), { name: 'Own' })", "Own", "own"),
        ],
    )
    def test_what_is_thrown(self, play, statement, kind, message):
        def story(stage):
            stage.load(main=f"pipy()\n  .pipeline('p')\n  .call(() => {{\n    {statement}\n  }})")
            with pytest.raises(ScriptError) as caught:
                stage.call(0)
            assert (caught.value.kind, caught.value.message) == (kind, message)
            assert caught.value.place.path == "/main.js"
            assert caught.value.place.line == (3 if message.startswith("thrown") else 4)

        play(story)

    def test_an_error_inside_a_nested_call_is_shown_where_it_was_thrown(self, play):
        def story(stage):
            stage.load(
                main="((inner, outer) => pipy()\n  .pipeline('p')\n  .call(() => outer())\n)(\n  ...(inner => [inner, () => inner()])(\n"
                "    function innermost() { throw new Error('deep') }))"
            )
            with pytest.raises(ScriptError) as caught:
                stage.call(0)
            assert (caught.value.place.line, caught.value.place.source.strip()) == (
                6,
                "function innermost() { throw new Error('deep') }))",
            )
            assert caught.value.place.column == caught.value.place.source.index(by_engine(v8="new Error", quickjs="Error(")) + 1
            frames = caught.value.stack.splitlines()
            assert frames[0].startswith("innermost at /main.js:6:")
            assert [frame.rpartition("/main.js:")[2].partition(":")[0] for frame in frames] == ["6", "5", "3"]

        play(story)


class TestAhead:
    """Functions that will be called next cross together with the call before."""

    MAIN = (
        "pipy({ _x: 0, _seen: '' }).pipeline('p')"
        ".call(x => { _x = x; _seen = 'a' }).call(() => (_seen += 'b', _x > 0)).call(() => (_seen += 'c', 'key ' + _x)).call(() => _seen)"
    )

    def test_they_are_answered_without_crossing(self, play):
        def story(stage):
            stage.load(main=self.MAIN)
            context = stage.program.new_context()
            first, condition, key, seen = stage.functions()
            before = stage.engine.isolate.calls
            assert stage.program.call(context, first, (5,), (condition, key)) is UNDEFINED
            assert stage.program.call(context, condition, ()) is True
            assert stage.program.call(context, key, ()) == "key 5"
            assert stage.engine.isolate.calls == before + 1
            assert stage.program.call(context, seen, ()) == "abc"

        play(story)

    def test_none_is_called_behind_one_that_is_not_true(self, play):
        def story(stage):
            stage.load(main=self.MAIN)
            context = stage.program.new_context()
            first, condition, key, seen = stage.functions()
            stage.program.call(context, first, (0,), (condition, key))
            assert stage.program.call(context, condition, ()) is False
            assert stage.program.call(context, seen, ()) == "ab"

        play(story)

    def test_another_call_makes_them_be_asked_again(self, play):
        def story(stage):
            stage.load(main=self.MAIN)
            context, other = stage.program.new_context(), stage.program.new_context()
            first, condition, key, seen = stage.functions()
            stage.program.call(context, first, (5,), (condition, key))
            assert stage.program.call(other, condition, ()) is False
            assert stage.program.call(context, condition, ()) is True
            assert stage.program.call(context, seen, ()) == "abcb"

        play(story)

    def test_an_exception_is_raised_where_the_function_is_called(self, play):
        def story(stage):
            stage.load(main="pipy().pipeline('p').call(() => 1)\n.call(() => nothing.here).call(() => 2)")
            context = stage.program.new_context()
            first, broken, last = stage.functions()
            stage.program.call(context, first, (), (broken, last))
            with pytest.raises(ScriptError, match="ReferenceError") as caught:
                stage.program.call(context, broken, ())
            assert caught.value.place.line == 2
            assert stage.program.call(context, last, ()) == 2

        play(story)

    def test_an_exception_in_the_first_calls_none(self, play):
        def story(stage):
            stage.load(main="pipy({ _n: 0 }).pipeline('p').call(() => nothing.here).call(() => ++_n).call(() => _n)")
            context = stage.program.new_context()
            first, counting, count = stage.functions()
            with pytest.raises(ScriptError, match="ReferenceError"):
                stage.program.call(context, first, (), (counting,))
            assert stage.program.call(context, count, ()) == 0

        play(story)
