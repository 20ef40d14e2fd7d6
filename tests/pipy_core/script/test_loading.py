"""From files to a program, and every mistake of its author: what is said, and where."""

import pytest

from pipy_core.codebase.snapshot import Snapshot
from pipy_core.context import ScriptDict, ScriptList
from pipy_core.errors import LoadError
from pipy_core.filter import Filter
from pipy_core.kinds import ANY, ARRAY, FUNCTION, NUMBER, PIPELINE, STRING
from pipy_core.params import Param
from pipy_core.script import loading
from pipy_core.script.host import Codebase
from pipy_core.testing import logged
from tests.engine import ENGINE, by_engine

UNKNOWN = " has no value while the script is being loaded"


class Stage(Filter):
    def __init__(self, *arguments):
        self.arguments = arguments

    def process(self, event):
        self.emit(event)


class Join(Stage):
    joins = "link"


class Chain(Stage):
    joins = "link"


def filters(registry):
    registry.add_filter("take", Stage, [Param("function", FUNCTION)], help="takes a function")
    registry.add_filter("count", Stage, [Param("number", NUMBER)], help="takes a number")
    registry.add_filter("keep", Stage, [Param("anything", ANY)], help="takes anything")
    registry.add_filter("join", Join, [Param("target", PIPELINE)], help="joins a pipeline")
    one = [Param("module", STRING), Param("pipeline", STRING)]
    registry.add_filter("chain", Chain, one, [Param("modules", ARRAY), *one[1:]], help="joins modules", loads_modules=True)


@pytest.fixture
def load(play):
    """``load(check, main="...", other="...")``: *check* gets the stage with the loaded program."""

    def run(check, **files):
        def story(stage):
            stage.load(**files)
            check(stage)

        play(story, prepare=filters)

    return run


@pytest.fixture
def refused(play):
    """``refused(main="...")``: the error that a script ends with. Nothing of the program is left."""

    def run(**files):
        errors = []

        def story(stage):
            with pytest.raises(LoadError) as caught:
                stage.load(**files)
            errors.append(caught.value)
            assert stage.engine.count()["programs"] == 0

        play(story, prepare=filters)
        return errors[0]

    return run


def place(error):
    return (error.place.path, error.place.line, error.place.column)


class TestPrograms:
    def test_ports_tasks_and_pipelines_of_all_modules(self, load):
        def check(stage):
            main, other = stage.program.modules
            assert (main.path, other.path) == ("/main.js", "/other.js")
            assert [(port.address, port.options["readTimeout"]) for port in main.ports] == [
                (("0.0.0.0", 8000), None),
                (("127.0.0.1", 8001), 300.0),
                (("::1", 8002), None),
            ]
            tasks = [(task.name, task.interval, task.signal) for task in main.tasks]
            assert tasks == [("Task #1", 0.0, ""), ("Task #2 (2.5m)", 150.0, ""), ("Task #3 (SIGHUP)", 0.0, "SIGHUP")]
            assert set(other.pipelines) == {"a", "b"}

        load(
            check,
            main="pipy().listen(8000).listen('127.0.0.1:8001', { readTimeout: '5m' }).listen('[::1]:8002').chain('other.js', 'a')"
            ".task().task('2.5m').task('SIGHUP')",
            other="pipy().pipeline('a').pipeline('b').count(1)",
        )

    def test_port_0_is_no_port(self, load):
        load(lambda stage: stage.program.modules[0].ports == [] or pytest.fail("it has a port"), main="pipy().listen(0)")

    def test_the_last_pipeline_of_a_name_counts(self, load):
        def check(stage):
            pipeline = stage.program.modules[0].pipelines["p"]
            assert [use.name for use in pipeline.uses] == ["count"]

        load(check, main="pipy().pipeline('p').keep(1).pipeline('p').count(2)")

    def test_constants_and_functions(self, load):
        def check(stage):
            first, again, function = (use.make().arguments[0] for use in stage.program.modules[0].pipelines["p"].uses)
            assert isinstance(first, ScriptDict)
            assert first["list"] == [1, "two", None]
            assert isinstance(first["list"], ScriptList)
            assert again.number == first.number
            assert function.place.line == 4
            assert stage.program.has_functions

        load(
            check,
            main="(constant => pipy().pipeline('p')\n  .keep(constant)\n  .keep(constant)\n  .take(() => 1))({ list: [1, 'two', null] })",
        )

    def test_a_program_without_functions_makes_no_crossing(self, load):
        def check(stage):
            calls = stage.engine.isolate.calls
            assert not stage.program.has_functions
            context = stage.program.new_context((1, "127.0.0.1", 2, "127.0.0.1", 3))
            clone = stage.program.clone_context(context)
            assert clone.group is context.group
            constant = stage.program.modules[0].pipelines["p"].uses[0].make().arguments[0]
            assert len(stage.program.fork_contexts(context, "/main.js", constant)) == 2
            stage.program.gone(context)
            del context, clone
            assert stage.engine.isolate.calls == calls
            assert len(stage.engine.contexts) == 0

        load(check, main="pipy().pipeline('p').keep([{}, {}]).count(1)")

    def test_a_script_may_be_called_with_what_it_loads(self, load, tmp_path):
        (tmp_path / "config").mkdir()
        (tmp_path / "config" / "main.json").write_text('{"number": 7}')

        def check(stage):
            assert stage.program.modules[0].pipelines["p"].uses[0].make().arguments == (7,)

        for path in ("config/main.json", "./config/main.json", "/config/../config/main.json", "../../config//main.json"):
            load(check, main=f"(config => pipy().pipeline('p').count(config.number))(JSON.parse(pipy.load('{path}').toString()))")

    def test_a_file_that_does_not_exist_is_null(self, load):
        load(lambda stage: None, main="(file => pipy({ _a: file === null ? 1 : nothing.here }))(pipy.load('nothing.json'))")
        load(lambda stage: None, main="(file => pipy({ _a: file === null ? 1 : nothing.here }))(pipy.load('/'))")

    def test_a_first_line_for_the_shell_and_a_byte_order_mark(self, load):
        load(lambda stage: None, main="\ufeff#!/usr/bin/pipy\npipy()")

    def test_the_drawing_of_each_module_is_logged_when_it_was_evaluated(self, play):
        def story(stage):
            with logged() as lines:
                stage.load(main="pipy().listen(8000).chain('other.js', 'a')", other="pipy().pipeline('a')")
            drawn = [line.removeprefix("[INF] [config] ").split("\n")[1] for line in lines]
            assert drawn == ["Module /other.js", "Module /main.js"]

        play(story, prepare=filters)


class TestModules:
    def test_all_spellings_of_a_path_are_one_module(self, load):
        def check(stage):
            assert [module.path for module in stage.program.modules] == ["/main.js", "/other.js"]

        load(
            check,
            main="pipy().pipeline('p').chain(['other.js', './other.js', '../other.js', '/x/../other.js', '//other.js'], 'p')",
            other="pipy({ _x: 0 })",
        )

    def test_modules_may_use_each_other(self, load):
        def check(stage):
            assert [module.path for module in stage.program.modules] == ["/main.js", "/other.js"]

        load(check, main="pipy().pipeline('p').chain(['other.js'], 'q')", other="pipy().pipeline('x').chain(['main.js'], 'q')")

    def test_exports_and_imports_are_one_variable(self, play):
        def story(stage):
            stage.load(
                main="pipy().import({ __x: 'ns', __y: 'other' }).pipeline('p').chain(['a.js', 'b.js'], 'p').call(() => ++__x).call(() => __y)",
                a="pipy().export('ns', { __x: 10 }).pipeline('own').call(() => __x)",
                b="pipy().import({ __x: 'ns' }).export('other', { __y: 'b' }).export('more', { __z: 0 })",
            )
            context = stage.program.new_context()
            (first, second) = (
                each for use in stage.program.modules[0].pipelines["p"].uses if (each := getattr(use.make(), "function", None))
            )
            other = stage.program.modules[1].pipelines["own"].uses[0].make().function
            assert stage.program.call(context, first, ()) == 11
            assert stage.program.call(context, other, ()) == 11
            assert stage.program.call(context, second, ()) == "b"
            assert stage.program.call(stage.program.new_context(), other, ()) == 10

        play(story, prepare=filters)

    def test_a_variable_of_its_own_hides_one_that_a_module_imports(self, play):
        def story(stage):
            with logged() as log:
                stage.load(
                    main="pipy({ x: 1 }).import({ x: 'ns' }).pipeline('p').chain(['a.js'], 'p').call(() => x)",
                    a="pipy().export('ns', { x: 2 })",
                )
            own = next(
                each for use in stage.program.modules[0].pipelines["p"].uses if (each := getattr(use.make(), "function", None))
            )
            assert stage.program.call(stage.program.new_context(), own, ()) == 1
            assert "[WRN] [] /main.js has a variable x of its own: that of ns is not seen there" in log

        play(story, prepare=filters)

    def test_variables_of_one_name_in_two_modules_are_two(self, play):
        def story(stage):
            stage.load(
                main="pipy({ _x: 'main' }).pipeline('p').chain(['a.js'], 'p').call(() => _x)",
                a="pipy({ _x: 'a' }).pipeline('own').call(() => _x)",
            )
            context = stage.program.new_context()
            mine = stage.program.modules[0].pipelines["p"].uses[1].make().function
            other = stage.program.modules[1].pipelines["own"].uses[0].make().function
            assert [stage.program.call(context, each, ()) for each in (mine, other)] == ["main", "a"]

        play(story, prepare=filters)

    def test_a_variable_comes_before_a_global(self, play):
        def story(stage):
            stage.load(main="pipy({ console: 'mine' }).pipeline('p').call(() => console)")
            assert stage.call(0) == "mine"

        play(story)


class TestDeclarations:
    @pytest.mark.parametrize(
        ("script", "kind", "message"),
        [
            ("pipy(5)", "TypeError", "argument #1 expects an object"),
            ("pipy(() => 5)", "TypeError", "function did not return an object"),
            ("pipy({ '': 1 })", "TypeError", "variable name cannot be empty"),
            ("pipy().count(1)", "Error", "no pipeline found"),
            ("pipy().pipeline('')", "TypeError", "pipeline name cannot be empty"),
            ("pipy().pipeline(5)", "TypeError", "argument #1 expects a string"),
            ("pipy().export('', { x: 1 })", "TypeError", "namespace cannot be empty"),
            ("pipy().export(5, { x: 1 })", "TypeError", "argument #1 expects a string"),
            ("pipy().export('ns', null)", "TypeError", "variable list cannot be null"),
            ("pipy().export('ns', 5)", "TypeError", "argument #2 expects an object"),
            ("pipy().export('ns', { '': 1 })", "TypeError", "variable name cannot be empty"),
            ("pipy({ x: 1 }).export('ns', { x: 1 })", "Error", "duplicated variable name x"),
            ("pipy().import(5)", "TypeError", "argument #1 expects an object"),
            ("pipy().import({ x: 5 })", "TypeError", "namespace expected for import: x"),
            ("pipy().import({ x: '' })", "TypeError", "namespace cannot be empty"),
            ("pipy({ x: 1 }).import({ x: 'ns' })", "Error", "cannot import variable x in /main.js"),
            ("pipy().import({ x: 'ns' })", "Error", "cannot import variable x in /main.js"),
            ("5", "Error", "Script was not evaluated to Configuration: 5"),
            ("pipy", "Error", None),
            ("", "Error", "Script was not evaluated to Configuration: undefined"),
            ("pipy().pipeline('p').chain('none.js', 'p')", "Error", "Cannot open script at /none.js"),
            ("pipy().pipeline('p').chain(5, 'p')", "TypeError", "argument #1 expects a string"),
            ("pipy.load(5)", "TypeError", "argument #1 expects a string"),
            ("pipy({ x: 1 }).pipeline('p').count(x)", "ReferenceError", f"unresolved identifier: x{UNKNOWN}"),
            ("(c => (c, __inbound))(pipy())", "ReferenceError", f"unresolved identifier: __inbound{UNKNOWN}"),
            ("(c => (c, __filename))(pipy())", "ReferenceError", f"unresolved identifier: __filename{UNKNOWN}"),
        ],
    )
    def test_mistakes(self, refused, script, kind, message):
        error = refused(main=script)
        assert error.kind == kind
        assert error.message.startswith(message or "")

    def test_a_name_that_two_modules_export(self, refused):
        error = refused(main="pipy().export('ns', { x: 1 }).pipeline('p').chain(['a.js'], 'p')", a="pipy().export('ns', { x: 2 })")
        assert error.message == "duplicated variable exporting name x from /a.js"

    @pytest.mark.parametrize(
        ("call", "message"),
        [
            ("listen('localhost:80')", "listen: invalid IP address: localhost"),
            ("listen('80')", "listen: invalid 'ip:port' form: 80"),
            ("listen('127.0.0.1:x')", "listen: invalid 'ip:port' form: 127.0.0.1:x"),
            ("listen('127.0.0.1:65536')", "listen: invalid 'ip:port' form: 127.0.0.1:65536"),
            ("listen(65536)", "listen: argument #1 (port) expects a port from 0 to 65535, given 65536"),
            ("listen(-1)", "listen: argument #1 (port) expects a port from 0 to 65535, given -1"),
            ("listen(1.5)", "listen: argument #1 (port) expects a port from 0 to 65535, given 1.5"),
            ("listen(0 / 0)", None),
            ("listen(1 / 0)", None),
            ("listen()", None),
            ("listen({})", None),
            ("listen(80, { maxConnections: 'many' })", None),
            ("task(5)", None),
            ("task('5x5')", None),
            ("task('0.001')", "task: task interval out of range: 0.001"),
            ("task('2d')", "task: task interval out of range: 2d"),
            ("task('SIGNOTHING')", "task: invalid signal name: SIGNOTHING"),
            ("task('SIG_DFL')", "task: invalid signal name: SIG_DFL"),
            ("task('whenever')", "task: invalid signal name: whenever"),
        ],
    )
    def test_ports_and_times(self, refused, call, message):
        error = refused(main=f"pipy()\n  .{call}")
        assert error.kind == "TypeError"
        assert error.message == message or message is None
        assert error.message.startswith(call.partition("(")[0] + ": ")
        column = 15 if "/" in call and ENGINE == "quickjs" else 4  # there a call stands at the last operator of its arguments
        assert place(error) == ("/main.js", 2, column)

    @pytest.mark.parametrize(
        ("call", "kind", "message"),
        [
            ("count('x')", "TypeError", "count: argument #1 expects a number"),
            ("take(5)", "TypeError", "take: argument #1 expects a function"),
            ("take()", "TypeError", None),
            ("join('nobody')", "Error", "pipeline not found: nobody"),
            ("chain('a.js', 'nobody')", "Error", "pipeline not found in module /a.js: nobody"),
        ],
    )
    def test_arguments_of_filters(self, refused, call, kind, message):
        error = refused(main=f"pipy()\n  .pipeline('p')\n    .count(1)\n    .{call}", a="pipy()")
        assert error.kind == kind
        assert message is None or error.message.startswith(message)
        assert place(error) == ("/main.js", 4, 6)
        assert error.place.source == f"    .{call}"

    def test_a_pipeline_that_joins_itself(self, refused):
        error = refused(main="pipy().pipeline('p').join('q').pipeline('q').join('p')")
        assert error.message.startswith("recursive pipeline: ")


class TestPlaces:
    @pytest.mark.parametrize("name", ["main", "other"])
    @pytest.mark.parametrize(
        ("source", "kind", "line", "column"),
        [
            ("pipy()\n  .pipeline('p'\n  .count(1)", "SyntaxError", 3, None),
            ("pipy(\n  { a: }\n)", "SyntaxError", 2, 8),
            ("pipy()\n  .noSuchFilter()", "TypeError", 2, 4),
            ("(c =>\n  pipy().pipeline(c.deep.name)\n)({})", "TypeError", 2, by_engine(v8=26, quickjs=19)),
            ("(() => {\n  throw new RangeError('far')\n})()", "RangeError", 2, by_engine(v8=9, quickjs=13)),
        ],
    )
    def test_mistakes_in_the_main_script_and_in_others(self, refused, name, source, kind, line, column):
        files = {"main": "pipy().pipeline('p').chain(['other.js'], 'p')", name: source}
        error = refused(**files)
        assert error.kind == kind
        assert error.place.path == f"/{name}.js"
        assert error.place.line == line
        assert column is None or error.place.column == column
        assert error.place.source.strip() == source.split("\n")[line - 1].strip()

    def test_who_used_the_broken_module_is_in_the_stack(self, refused):
        error = refused(main="pipy()\n  .pipeline('p')\n  .chain(['other.js'], 'p')", other="(() => { throw new Error('x') })()")
        assert [frame.rpartition(" ")[2].rsplit(":", 1)[0] for frame in error.stack.splitlines()] == ["/other.js:1"] * 2 + [
            "/main.js:3"
        ]

    @pytest.mark.parametrize(
        ("thrown", "message"),
        [
            ("'text'", "thrown: text"),
            ("null", "thrown: null"),
            ("Symbol('s')", "thrown: Symbol(s)"),
            ("new Proxy({}, { get() { throw 1 } })", "thrown: (cannot be shown)"),
        ],
    )
    def test_what_is_thrown_may_be_anything(self, refused, thrown, message):
        error = refused(main="pipy().pipeline('p').chain(['other.js'], 'p')", other=f"(() => {{ throw {thrown} }})()")
        assert (error.kind, error.message) == ("Error", message)
        assert place(error) == ("/other.js", 0, 0) or place(error) == ("/main.js", 1, 22)

    def test_half_a_character_in_a_message_is_no_obstacle(self, refused):
        assert refused(main="(() => { throw new Error('x\\ud800') })()").message == "x\ufffd"

    @pytest.mark.parametrize("source", ["pipy(() => /(/)", "pipy('text)", "pipy(`text)"])
    def test_something_unterminated_is_a_mistake_and_not_a_timeout(self, refused, source):
        assert refused(main=source).kind == "SyntaxError"

    def test_a_file_that_is_no_text(self, play):
        def story(stage):
            (stage.folder / "other.js").write_bytes(b"pipy() // \xff")
            with pytest.raises(LoadError, match=r"/other\.js is not UTF-8 text"):
                stage.load(main="pipy().pipeline('p').chain('other.js', 'p')")

        play(story, prepare=filters)


class TestWarnings:
    @pytest.mark.parametrize(
        ("source", "lines"),
        [
            ("pipy()", ["The script has neither a port nor a task: nothing will happen until it is given one and loaded again"]),
            (
                "pipy().listen(0)",
                ["The script has neither a port nor a task: nothing will happen until it is given one and loaded again"],
            ),
            ("pipy().task()", []),
            ("pipy().listen(8000).listen('127.0.0.1:8000')", []),
            (
                "pipy().listen(8000).listen('0.0.0.0:8000')",
                ["Port 8000 at 0.0.0.0 is declared more than once: the last declaration counts"],
            ),
        ],
    )
    def test_what_the_author_can_hardly_mean(self, play, source, lines):
        def story(stage):
            with logged() as found:
                stage.load(main=source)
            assert [line.removeprefix("[WRN] [config] ") for line in found if line.startswith("[WRN]")] == lines

        play(story)


def test_a_syntax_error_is_placed_while_commands_are_queued(play, monkeypatch):
    def story(stage):
        first = stage.load(main="pipy().pipeline('p').call(() => 1)")
        kept, source = [], Codebase.source

        def busy(codebase, path):
            kept.append(first.new_context())  # a connection of the running generation
            return source(codebase, path)

        monkeypatch.setattr(Codebase, "source", busy)
        with pytest.raises(LoadError) as caught:
            stage.load(main="pipy(\n  +) ")
        assert (caught.value.kind, caught.value.place.path, caught.value.place.line) == ("SyntaxError", "/main.js", 2)
        assert kept

    play(story)


def test_variables_are_known_by_the_type_of_their_first_value(load):
    def check(stage):
        main, other = stage.program.modules
        assert main.variables == {
            "_text": "string",
            "_count": "number",
            "_flag": "boolean",
            "_thing": "any",
            "_none": "any",
            "__shared": "string",
        }
        assert other.variables == {"__shared": "string"}

    load(
        check,
        main="pipy({ _text: '', _count: 0, _flag: false, _thing: {}, _none: null }).import({ __shared: 'o' }).pipeline('p').chain('other.js', 'p')",
        other="pipy().export('o', { __shared: '' }).pipeline('p')",
    )


def test_each_generation_reads_its_own_files(play, tmp_path):
    def story(stage):
        (tmp_path / "text").write_text("first")
        first = stage.load(main="pipy().pipeline('p').call(() => pipy.load('text').toString())")
        function = stage.functions()[0]
        stage.folder = tmp_path / "second"
        stage.folder.mkdir()
        (stage.folder / "text").write_text("second")
        stage.load(main="pipy().pipeline('p').call(() => pipy.load('text').toString())")
        assert stage.call(0) == "second"
        assert first.call(first.new_context(), function, ()) == "first"
        with pytest.raises(LoadError):
            stage.load(main="pipy(")
        assert first.call(first.new_context(), function, ()) == "first"

    play(story)


def test_what_is_pinned_counts_while_the_script_is_loaded(play, tmp_path):
    def story(stage):
        (tmp_path / "text").write_text("on the disk")
        pinned = {
            "/main.js": b"const was = pipy.load('text'); pipy().pipeline('p').call(() => was + ', ' + pipy.load('text'))",
            "/text": b"pinned",
        }
        codebase = Codebase(Snapshot(tmp_path, "/main.js", pinned=pinned))
        stage.program = loading.load(stage.engine, stage.registry, codebase, "/main.js", stage, 2.0)
        assert stage.call(0) == "pinned, on the disk"

    play(story)
