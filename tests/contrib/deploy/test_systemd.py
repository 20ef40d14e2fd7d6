"""The units: what systemd itself finds wrong with them, and what they must say for the program to be run as it wants to be."""

import configparser
import shutil

import pytest

from pipy_core.cli import parse
from tests.contrib.deploy.tools import DEPLOY, check_script, find, run

SYSTEMD = DEPLOY / "systemd"


def unit(name):
    parser = configparser.ConfigParser(strict=False, interpolation=None)
    parser.optionxform = str
    parser.read(SYSTEMD / name)
    return parser


@pytest.fixture
def units(tmp_path):
    """Copies of the units that start a program which there is on this machine."""
    for name in ("pipy.service", "pipy.socket"):
        text = (SYSTEMD / name).read_text()
        assert name == "pipy.socket" or "\nExecStart=/usr/bin/pipy\n" in text
        (tmp_path / name).write_text(text.replace("ExecStart=/usr/bin/pipy", f"ExecStart={shutil.which('true')}"))
    return tmp_path


def test_systemd_finds_nothing_wrong_with_them(units):
    found = run(
        find("systemd-analyze"), "verify", "--man=no", "--recursive-errors=no", units / "pipy.service", units / "pipy.socket"
    )
    assert [line for line in found.splitlines() if "pipy" in line] == []


def test_the_service_is_well_shut_away(units):
    """Scale of `systemd-analyze security`: 0 is a sealed box, 10 is a door that is open."""
    table = run(find("systemd-analyze"), "security", "--offline=yes", "--threshold=30", units / "pipy.service")
    assert "Overall exposure level" in table


def test_the_user_can_be_made(tmp_path):
    (tmp_path / "etc").mkdir()
    run(find("systemd-sysusers"), f"--root={tmp_path}", SYSTEMD / "pipy.sysusers")
    assert "pipy:x:" in (tmp_path / "etc" / "passwd").read_text()


def test_the_service_asks_for_what_the_program_does():
    service = unit("pipy.service")["Service"]
    assert service["Type"] == "notify"
    assert "HUP" in service["ExecReload"]
    assert float(service["TimeoutStopSec"]) > 30, "longer than the program gives its connections"
    assert service["KillMode"] == "mixed", "the first process ends its workers"
    assert service["User"] == "pipy"
    assert service["EnvironmentFile"] == "/etc/default/pipy"


def test_sockets_are_given_as_the_program_knows_them():
    address = unit("pipy.socket")["Socket"]["ListenStream"]
    assert address.count(".") == 3, "without an address it would be one of IPv6, and no `listen` of a script would take it"


def test_what_the_environment_file_suggests_is_understood():
    lines = [line.lstrip("#") for line in (SYSTEMD / "pipy.default").read_text().splitlines()]
    environment = dict(line.split("=", 1) for line in lines if line.startswith("PIPY_"))
    assert len(environment) > 3
    settings = parse([]).choose(environment)
    assert settings.script == "/etc/pipy/pipy.js"
    assert settings.admin_address == ("127.0.0.1", 6060)


def test_the_script_to_begin_with_can_be_loaded(tmp_path):
    check_script((DEPLOY / "pipy.js").read_text(), "pipy.js", tmp_path)
