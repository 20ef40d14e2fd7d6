"""Which engine is used, and that the others are left alone."""

import subprocess
import sys

import pytest

from pipy_core import cli
from pipy_core.script import engines
from pipy_core.script.engines import KINDS, EngineMissing, Kind

NOWHERE = Kind("Nowhere", "no.module", "None", "no_such_module", "nowhere-js")


@pytest.fixture
def kinds(monkeypatch):
    monkeypatch.setitem(KINDS, "nowhere", NOWHERE)
    monkeypatch.setattr(engines, "PREFERENCE", ["nowhere", *engines.PREFERENCE])


def test_the_best_that_is_installed(kinds):
    assert engines.chosen("auto").installed


def test_the_one_that_was_asked_for():
    for name in (name for name, kind in KINDS.items() if kind.installed):
        assert engines.chosen(name) is KINDS[name]
        title, version = engines.version(name)
        assert title == KINDS[name].title
        assert version[0].isdigit()


def test_one_that_is_not_installed(kinds):
    with pytest.raises(EngineMissing, match=r"^the engine Nowhere is not installed: pip install 'nowhere-js', or choose another"):
        engines.make("nowhere", 64 << 20, str)


def test_nothing_is_installed(monkeypatch):
    monkeypatch.setattr(engines, "KINDS", {"nowhere": NOWHERE})
    monkeypatch.setattr(engines, "PREFERENCE", ["nowhere"])
    with pytest.raises(EngineMissing, match="Nowhere is not installed"):
        engines.chosen("auto")


@pytest.mark.parametrize(
    ("name", "other"), [pytest.param("quickjs", "py_mini_racer", id="quickjs"), pytest.param("v8", "_quickjs", id="v8")]
)
def test_the_other_engine_is_not_even_imported(name, other):
    if not KINDS[name].installed:
        pytest.skip(f"{name} is not installed")
    program = (
        "import sys; import pipy_core.cli; from pipy_core.registry import Registry; from pipy_core.script.engine import Engine;"
        f"Engine(Registry(), 64 << 20, 1.0, engine={name!r}); print({other!r} in sys.modules, {KINDS[name].needs!r} in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=300, check=True)
    assert done.stdout.split() == ["False", "True"]


def test_the_command_line_says_so_in_one_line(monkeypatch, capsys, tmp_path):
    monkeypatch.setitem(KINDS, "quickjs", NOWHERE)
    script = tmp_path / "main.js"
    script.write_text("pipy()")
    monkeypatch.chdir(tmp_path)
    assert cli.main(["--engine=quickjs", str(script)]) == 1
    told = capsys.readouterr()
    assert (told.out + told.err).count("the engine Nowhere is not installed") == 1
    assert "Traceback" not in told.out + told.err
    assert cli.main(["--engine=quickjs", "--version"]) == 0
    assert "Engine      : the engine Nowhere is not installed" in capsys.readouterr().out
