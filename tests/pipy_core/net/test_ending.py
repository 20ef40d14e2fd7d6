"""The end of child processes."""

import subprocess
import sys

import pytest

from pipy_core.net import ending as module
from pipy_core.net.ending import Ending


@pytest.mark.parametrize("told", [True, False], ids=["by the system", "by looking"])
@pytest.mark.parametrize(("program", "code"), [("raise SystemExit(7)", 7), ("import os; os.kill(os.getpid(), 9)", -9)])
def test_the_exit_code_is_told_once(reactor, monkeypatch, told, program, code):
    if not told:
        monkeypatch.setattr(module, "_descriptor_of", lambda _number: None)
    codes = []
    Ending(reactor, subprocess.Popen([sys.executable, "-c", program]), codes.append)
    reactor.until(lambda: codes)
    reactor.pass_by()
    assert codes == [code]
