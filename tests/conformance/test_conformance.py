"""Every case of ``cases/`` against this program: what the original answers, byte for byte. And those of ``ours/``, whose
expectations were derived from the specification, for combinations that were not recorded.

A case may be left out by ``later.txt`` (it needs something that is not built yet) or expected to fail by ``deviations.toml`` (we do
something else on purpose, and say why). Both name cases that exist, with a reason.
"""

import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
RUNNER = HERE / "run.py"
RECORDED = {path.relative_to(HERE / "cases").with_suffix("").as_posix(): path for path in sorted((HERE / "cases").rglob("*.case"))}
OURS = {path.relative_to(HERE).with_suffix("").as_posix(): path for path in sorted((HERE / "ours").rglob("*.case"))}
CASES = RECORDED | OURS


def read_later() -> dict[str, str]:
    """The cases that are left out, each with what it needs."""
    lines = [line for line in (HERE / "later.txt").read_text().splitlines() if line and not line.startswith("#")]
    return {name.strip(): reason.strip() for name, _, reason in (line.partition(":") for line in lines)}


def read_deviations() -> dict[str, str]:
    """The cases that fail on purpose, each with the reason."""
    listed = tomllib.loads((HERE / "deviations.toml").read_text()).get("deviation", [])
    return {each["case"]: each["reason"] for each in listed}


LATER = read_later()
DEVIATIONS = read_deviations()


def marked(name: str) -> object:
    marks = []
    if name in LATER:
        marks.append(pytest.mark.skip(reason=f"needs {LATER[name]}"))
    if name in DEVIATIONS:
        marks.append(pytest.mark.xfail(reason=DEVIATIONS[name]))
    return pytest.param(name, id=name, marks=marks)


@pytest.mark.parametrize("name", [marked(name) for name in CASES])
def test_case(name: str) -> None:
    command = [sys.executable, str(RUNNER), "--pipy", f"{sys.executable} -m pipy_core", str(CASES[name])]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=600, check=False)
    if done.returncode:
        pytest.fail(f"\n{done.stdout}{done.stderr}", pytrace=False)


@pytest.mark.parametrize("listed", [LATER, DEVIATIONS], ids=["later.txt", "deviations.toml"])
def test_what_is_listed_exists_and_has_a_reason(listed: dict[str, str]) -> None:
    assert set(listed) - set(CASES) == set()
    assert [name for name, reason in listed.items() if not reason] == []


def test_no_case_is_listed_twice() -> None:
    assert set(LATER) & set(DEVIATIONS) == set()
    lines = [line.partition(":")[0] for line in (HERE / "later.txt").read_text().splitlines() if line and not line.startswith("#")]
    assert sorted(set(lines)) == sorted(lines)


def test_the_runner_notices_a_wrong_answer(tmp_path: Path) -> None:
    case = tmp_path / "wrong.case"
    case.write_text('doc: x\nrun: no\n\n--- file main.js\npipy()\n\n--- steps\nrun "main.js"\n  < code 0\n')
    command = [sys.executable, str(RUNNER), "--pipy", "false", str(case)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=600, check=False)
    assert done.returncode == 1
    assert "0 passed, 1 failed" in done.stdout
