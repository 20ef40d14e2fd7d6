"""What must fail fails, and says why: a test kit that cannot fail is worth nothing."""

import re

import pytest

from pipy_core.settings import Settings
from pipy_core.trial import surroundings
from pipy_core.trial.runner import run_texts
from tests.engine import by_engine

SCRIPT = "pipy().listen(1).serveHTTP(() => new Message('hi')).pipeline('p').replaceMessage(() => new Message(nothing.here))"


class TestAssertions:
    @pytest.mark.parametrize(
        "true",
        [
            "t.equal(1, 1)",
            "t.equal(NaN, NaN)",
            "t.equal({ a: [1, { b: 2 }], c: undefined }, { c: undefined, a: [1, { b: 2 }] })",
            "t.equal(new Data('ab'), new Data([0x61, 0x62]))",
            "t.equal(new Message({ status: 200 }, 'x'), new Message({ status: 200 }, new Data('x')))",
            "t.equal(new Map([[1, { a: 2 }]]), new Map([[1, { a: 2 }]]))",
            "t.equal(new Set([1]), new Set([1]))",
            "t.equal(new Date(5), new Date(5))",
            "t.equal(/a/g, /a/g)",
            "t.equal(new TypeError('x'), new TypeError('x'))",
            "const a = { n: 1 }; a.a = a; const b = { n: 1 }; b.a = b; t.equal(a, b)",
            "t.notEqual(1, 2)",
            "t.notEqual({ a: 1 }, { a: 1, b: undefined })",
            "t.ok('x')",
            "t.match('hello', 'ell')",
            "t.match('hello', /^h.*o$/)",
            "t.match(new Data('hello'), 'ell')",
            "t.throws(() => { throw new TypeError('no') })",
            "t.throws(() => { throw new TypeError('no') }, 'TypeError: no')",
            "t.throws(() => { throw 5 }, '5')",
            "await t.throws(async () => { throw new Error('later') }, /later/)",
            "await t.throws(Promise.reject(new Error('later')), 'later')",
            'console.log("a", { b: 1 }); t.equal(t.logged(\'a {"b":1}\'), 1)',
            r"console.warn('hm'); t.logged(/^\[WRN\] hm$/)",
        ],
    )
    def test_what_holds(self, passes, true):
        passes(SCRIPT, true)

    @pytest.mark.parametrize(
        ("false", "message"),
        [
            ("t.equal(1, 2)", "not equal"),
            ("t.equal(1, 2, 'the count')", "not equal: the count"),
            ("t.equal(1, '1')", "not equal"),
            ("t.equal(0, -0)", "not equal"),
            ("t.equal(null, undefined)", "not equal"),
            ("t.equal([1, 2], [1])", "not equal"),
            ("t.equal([1], { 0: 1 })", "not equal"),
            ("t.equal({ a: 1 }, { a: 1, b: undefined })", "not equal"),
            ("t.equal(new Data('a'), new Data('b'))", "not equal"),
            ("t.equal(new Data('a'), 'a')", "not equal"),
            ("t.equal(new Message('a'), new Message({}, 'a'))", "not equal"),
            ("t.equal(new Map([[1, 2]]), new Map([[1, 3]]))", "not equal"),
            ("t.equal(new Date(5), new Date(6))", "not equal"),
            ("t.equal(/a/g, /a/i)", "not equal"),
            ("t.equal(new TypeError('x'), new Error('x'))", "not equal"),
            ("t.notEqual([1], [1])", "equal"),
            ("t.ok(0)", "not true"),
            ("t.match('hello', 'x')", "does not match"),
            ("t.match(undefined, 'x')", "does not match"),
            ("t.throws(() => 5)", "nothing was thrown"),
            ("t.throws(() => { throw new TypeError('no') }, 'yes')", "something else was thrown"),
            ("await t.throws(async () => 5)", "nothing was thrown"),
            ("await t.throws(Promise.reject(new Error('later')), 'sooner')", "something else was thrown"),
            ("t.logged('never')", "not logged"),
            ("t.fail('on purpose')", "on purpose"),
        ],
    )
    def test_what_does_not_hold(self, fails, false, message):
        (problem,) = fails(SCRIPT, f"\n{false}")
        assert problem.text == message
        # what goes on behind an `await` has no place in QuickJS: its stacks end there
        behind = by_engine(v8=False, quickjs=false.startswith("await"))
        assert (problem.place.path, problem.place.line) == (("", 0) if behind else ("/example.test.js", 3))

    def test_the_difference_is_shown(self, fails):
        (problem,) = fails(SCRIPT, "t.equal({ a: [1, 'x'], d: new Data('é') }, { a: [1], f() {} })")
        assert problem.given == '{\n  a: [\n    1\n    "x"\n  ]\n  d: Data "é"\n}'
        assert problem.expected == "{\n  a: [\n    1\n  ]\n  f: [Function: f]\n}"

    def test_binary_data_and_circles_are_shown(self, fails):
        (problem,) = fails(SCRIPT, "const a = { d: new Data([255]), n: 5n }; a.a = a; t.equal(a, 1)")
        assert problem.given == "{\n  a: [Circular]\n  d: Data [ff]\n  n: 5n\n}"

    def test_huge_values_are_cut(self, fails):
        (problem,) = fails(SCRIPT, "t.equal('x'.repeat(1e6), 1)")
        assert len(problem.given) < 70_000

    @pytest.mark.parametrize(
        "body",
        [
            "try { t.equal(1, 2) } catch {}",
            "(async () => { t.equal(1, 2) })()",
            "t.throws(() => t.equal(1, 2))",
            "await t.throws(async () => t.equal(1, 2), 'not equal')",
        ],
        ids=["caught", "not-awaited", "thrown", "rejected"],
    )
    def test_a_failed_assertion_cannot_be_hushed(self, fails, outcome, body):
        if "throws" in body:
            assert outcome(SCRIPT, body).outcome == "failed"
        else:
            assert [problem.text for problem in fails(SCRIPT, body)] == ["not equal"]

    def test_arrays_are_shown_as_far_as_anybody_reads(self, fails):
        (problem,) = fails(SCRIPT, "t.equal(new Array(1e5).fill(0), 1)")
        assert problem.given.endswith("  ... 99000 more\n]")

    def test_several_failures_are_all_told(self, fails):
        assert len(fails(SCRIPT, "for (const n of [1, 2, 3]) try { t.equal(n, 2) } catch {}")) == 2


class TestTests:
    def test_one_that_throws(self, fails):
        (problem,) = fails(SCRIPT, "\nconst f = () => { throw new RangeError('far') }\nf()")
        assert problem.text == "RangeError: far"
        assert problem.place.line == 3
        assert problem.stack.splitlines()[0].startswith("f at ")

    @pytest.mark.parametrize(
        ("thrown", "text"),
        [("5", "Error: thrown: 5"), ("undefined", "Error: thrown: undefined"), ("{ a: 1 }", 'Error: thrown: {"a":1}')],
    )
    def test_one_that_throws_no_error(self, fails, thrown, text):
        (problem,) = fails(SCRIPT, f"throw {thrown}")
        assert problem.text == text

    def test_one_that_waits_for_ever(self, fails):
        (problem,) = fails(SCRIPT, "await new Promise(() => {})")
        assert problem.text == "the test waits for something that never comes, and that is not of the test kit"

    def test_one_that_loops_for_ever(self, fails):
        (problem,) = fails(SCRIPT, "for (;;);", settings=Settings(call_timeout=0.2))
        assert "stopped after 0.2 s" in problem.text

    def test_one_that_loops_for_ever_later(self, fails):
        (problem,) = fails(SCRIPT, "await t.advance(0); for (;;);", settings=Settings(call_timeout=0.2))
        assert "stopped after 0.2 s" in problem.text

    def test_one_that_goes_on_and_on(self, fails, monkeypatch):
        monkeypatch.setattr(surroundings, "TEST_LIMIT", 0.3)
        (problem,) = fails(SCRIPT, "for (;;) await t.advance(1)")
        assert problem.text == "the test takes more than 0.3 s"

    def test_a_script_that_runs_in_circles(self, fails):
        script = "pipy().listen(1).connect('a:1', { retryCount: -1 })"
        (problem,) = fails(script, "t.upstream('a:1', { refuse: true }); await t.port().open().send('x')")
        assert "runs in circles" in problem.text

    def test_a_failed_command_that_nobody_awaits(self, fails):
        (problem,) = fails(SCRIPT, "\nt.port(5).request()\nawait t.advance(0)")
        assert "the script does not listen on 5" in problem.text
        assert problem.place.line == 3

    def test_a_failed_command_with_nobody_to_hear_of_it(self, fails):
        (problem,) = fails(SCRIPT, "t.port(5).request().then(() => {}).then(() => {})\nawait t.advance(0)")
        assert "the script does not listen on 5" in problem.text

    @pytest.mark.parametrize("heard", ["p.catch(() => {})", "p.then(() => {}).catch(() => {})", "p.then(() => {}, () => {})"])
    def test_a_failed_command_that_somebody_hears_of(self, passes, heard):
        passes(SCRIPT, f"const p = t.port(5).request()\n{heard}\nawait t.advance(0)")

    def test_a_failed_command_at_the_very_end(self, fails):
        (problem,) = fails(SCRIPT, "t.port(5).request()")
        assert "the script does not listen on 5" in problem.text

    def test_a_failed_command_that_is_awaited_late_is_told_once(self, fails):
        (problem,) = fails(SCRIPT, "const p = t.port(5).request()\nawait t.advance(0)\nawait p")
        assert "the script does not listen on 5" in problem.text

    def test_a_failed_command_that_is_caught_is_no_failure(self, passes):
        passes(SCRIPT, "await t.throws(t.port(5).request(), 'does not listen')")

    def test_a_test_that_runs_after_an_endless_one_is_not_harmed(self, registry):
        tests = "test('a', () => { for (;;); })\ntest('b', async t => t.equal((await t.port().request()).head.status, 200))"
        results = run_texts(registry, SCRIPT, tests, settings=Settings(call_timeout=0.2))
        assert [result.outcome for result in results] == ["failed", "passed"]

    def test_an_isolate_that_is_full(self, registry):
        tests = "test('a', () => { const a = []; for (;;) a.push(new Array(1000).fill(a.length + 0.5)) })\ntest('b', () => {})"
        results = run_texts(registry, SCRIPT, tests, settings=Settings(heap_limit_mb=32, call_timeout=10))
        # QuickJS can go on: what the test held is free again
        told = by_engine(v8=[("", "failed")], quickjs=[("a", "failed"), ("b", "passed")])
        assert [(result.name, result.outcome) for result in results] == told
        assert by_engine(v8="heap-limit=32", quickjs="InternalError: out of memory") in results[0].problems[0].text


class TestScripts:
    def test_one_that_cannot_be_loaded(self, fails):
        (problem,) = fails("pipy().listen(1).lnik('a')", "\nawait t.port(1).request()")
        assert problem.text.startswith("LoadError: the script cannot be loaded\n")
        assert by_engine(v8="lnik is not a function", quickjs="TypeError: not a function") in problem.text
        assert "in /example.js at line 1" in problem.text
        assert problem.place.line == 3

    def test_one_with_a_syntax_error(self, fails):
        (problem,) = fails("pipy(", "await t.port(1).request()")
        assert "SyntaxError" in problem.text

    def test_one_that_fails_unexpectedly(self, fails):
        problems = fails(SCRIPT, "await t.pipeline('p').send(new Message('x'))")
        assert len(problems) == 1
        assert problems[0].text.startswith("the script failed, and no t.logged() expects it:\n[ERR] [pjs]")
        assert "ReferenceError: nothing is not defined" in problems[0].text

    def test_one_that_fails_as_expected(self, passes):
        passes(
            SCRIPT,
            "const p = t.pipeline('p'); await p.send(new Message('x')); t.equal(p.error, 'RuntimeError'); t.logged('ReferenceError')",
        )

    def test_one_with_an_unhandled_rejection(self, fails):
        (problem,) = fails(
            "pipy().pipeline('p').handleData(() => Promise.reject(new Error('lost')))", "await t.pipeline('p').send('x')"
        )
        assert "Unhandled rejection: Error: lost" in problem.text

    def test_one_that_loops_for_ever(self, fails):
        script = "pipy().listen(1).handleData(() => { for (;;); })"
        (problem,) = fails(script, "await t.port().open().send('x')", settings=Settings(call_timeout=0.2))
        assert "stopped after 0.2 s" in problem.text


class TestFiles:
    def test_a_syntax_error(self, registry):
        (result,) = run_texts(registry, SCRIPT, "test('a', t => {\n  t.equal(1 1)\n})")
        assert (result.name, result.outcome, result.line) == ("", "failed", 2)
        assert "SyntaxError" in result.problems[0].text

    def test_an_error_while_it_is_loaded(self, registry):
        (result,) = run_texts(registry, SCRIPT, "test('a', t => {})\n\nnonsense()")
        assert (result.outcome, result.line) == ("failed", 3)
        assert "nonsense is not defined" in result.problems[0].text

    @pytest.mark.parametrize("tests", ["test()", "test('a')", "test(() => {})", "test('', () => {})", "script(5)"])
    def test_wrong_declarations(self, registry, tests):
        (result,) = run_texts(registry, SCRIPT, tests)
        assert result.outcome == "failed"
        assert "expects" in result.problems[0].text

    def test_a_test_in_a_test(self, fails):
        (problem,) = fails(SCRIPT, "test('inner', () => {})")
        assert "cannot be called by a test" in problem.text

    def test_the_script_does_not_see_the_kit(self, fails):
        (problem,) = fails("pipy().listen(test)", "await t.load()")
        assert "test is not defined" in problem.text

    def test_skip_and_only(self, registry):
        results = run_texts(registry, SCRIPT, "test.skip('a', () => { throw 1 })\ntest('b', () => {})")
        assert [result.outcome for result in results] == ["skipped", "passed"]
        results = run_texts(registry, SCRIPT, "test('a', () => {})\ntest.only('b', () => {})\ntest('c', () => {})")
        assert [result.outcome for result in results] == ["skipped", "passed", "skipped"]

    def test_where_a_test_stands(self, registry):
        (result,) = run_texts(registry, SCRIPT, "// one\n\ntest('a', () => {})")
        assert result.line == 3

    def test_a_file_without_tests_gives_no_results(self, registry):
        assert run_texts(registry, SCRIPT, "// nothing") == []

    def test_a_script_that_is_not_there(self, registry):
        (result,) = run_texts(registry, SCRIPT, "script('other.js')\ntest('a', () => {})")
        assert re.match(r"there is no script .*/other\.js: say script\('\.\.\.'\)", result.problems[0].text)
