import os

from pipy_plugins import os_env


def test_has_the_environment_of_the_start(script_of, monkeypatch):
    monkeypatch.setenv("PIPY_TEST_VARIABLE", "some \u00fc value")
    script = script_of(os_env)
    monkeypatch.setenv("PIPY_TEST_VARIABLE", "later")
    assert script("[os.env.PIPY_TEST_VARIABLE, typeof os.env.PIPY_TEST_NOT_THERE]") == ["some \u00fc value", "undefined"]


def test_bytes_that_are_not_text_are_replaced(monkeypatch):
    monkeypatch.setitem(os.environ, "PIPY_TEST_VARIABLE", os.fsdecode(b"a\xff"))
    assert os_env.environment()["PIPY_TEST_VARIABLE"] == "a\ufffd"
