"""Shell scripts and workflows, checked by what is made for that; and what all files have in common."""

import os
import re

import pytest

import pipy_core
from tests.contrib.deploy.tools import DEPLOY, ROOT, find, run

SCRIPTS = [
    ROOT / ".ci" / "run",
    ROOT / "tests" / "set-up",
    DEPLOY / "docker" / "entrypoint.sh",
    *sorted((DEPLOY / "packages").iterdir()),
]
MAINTAINER_SCRIPTS = sorted(path for path in (DEPLOY / "debian").iterdir() if path.suffix in {".postinst", ".postrm", ".prerm"})
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))


@pytest.mark.parametrize("path", [*SCRIPTS, *MAINTAINER_SCRIPTS], ids=lambda path: path.name)
def test_shellcheck_finds_nothing(path):
    assert run(find("shellcheck"), path) == ""


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: path.name)
def test_scripts_can_be_run(path):
    assert os.access(path, os.X_OK)


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_workflows_are_what_github_takes(path):
    run(find("check-jsonschema"), "--builtin-schema", "vendor.github-workflows", path)
    run(find("check-jsonschema"), "--builtin-schema", "custom.github-workflows-require-timeout", path)


@pytest.mark.parametrize(
    ("name", "pattern"),
    [
        ("debian/changelog", r"\Apipy \(([\d.]+)-\d+\)"),
        ("docker/compose.yaml", r"image: pipy:([\d.]+)"),
        ("helm/pipy/Chart.yaml", r'appVersion: "([\d.]+)"'),
        ("kubernetes/reverse-proxy.yaml", r"image: pipy:([\d.]+)"),
        ("kubernetes/sidecar.yaml", r"image: pipy:([\d.]+)"),
        ("rpm/pipy.spec", r"Version: +([\d.]+)"),
    ],
)
def test_everything_is_of_one_version(name, pattern):
    assert re.findall(pattern, (DEPLOY / name).read_text()) == [pipy_core.__version__]
