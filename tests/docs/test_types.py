"""``pipy types`` declares all that the scripts of the tutorial use: the TypeScript compiler finds nothing wrong with them."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from pipy_core import cli
from tests.tutorial.console import tutorials

ROOT = Path(__file__).parents[2]
#: A major version of which any minor one will do.
COMPILER = "typescript@7"
#: Where the test extra puts Node.js if the system has none.
PATH = f"{os.environ['PATH']}{os.pathsep}{Path(sys.executable).parent}"
# Each script that can be run, with the files that go with it: those beside it that are not run themselves.
SCRIPTS = [
    (folder, name)
    for folder in tutorials(ROOT / "tutorial")
    for name in ("hello.js", "proxy.js", "collector.js")
    if (folder / name).exists()
]


@pytest.fixture(scope="session")
def compiler(tmp_path_factory):
    """The path of the TypeScript compiler, from npm."""
    npm = shutil.which("npm", path=PATH)
    if npm is None:
        pytest.skip("there is no Node.js for this system, neither installed nor as a Python package")
    folder = tmp_path_factory.mktemp("typescript")
    command = [npm, "install", "--silent", "--no-audit", "--no-fund", "--prefix", str(folder), COMPILER]
    subprocess.run(command, check=True, capture_output=True, timeout=600, env={**os.environ, "PATH": PATH})
    return folder / "node_modules" / ".bin" / "tsc"


@pytest.fixture
def complaints(compiler, tmp_path, capsys, monkeypatch):
    """``complaints(folder, main)``: what the compiler says of a script and the files that it uses."""

    def check(folder, main):
        project = tmp_path / "project"
        shutil.copytree(folder, project)
        for other in {path.name for path in project.glob("*.js")} - {main}:
            (project / other).unlink()
        monkeypatch.chdir(project)
        assert cli.main(["types", main]) == 0
        (project / "pipy.d.ts").write_text(capsys.readouterr().out)
        said = re.search(r"// (\"lib\".*)", (project / "pipy.d.ts").read_text())[1]
        if main != "proxy.js":
            shutil.rmtree(project / "plugins", ignore_errors=True)
        (project / "tsconfig.json").write_text(
            json.dumps({"compilerOptions": json.loads(f"{{{said}}}"), "include": ["pipy.d.ts", "**/*.js"]})
        )
        done = subprocess.run(
            [compiler, "-p", "."], cwd=project, capture_output=True, text=True, check=False, env={**os.environ, "PATH": PATH}
        )
        return done.stdout.splitlines()

    return check


@pytest.mark.parametrize(("folder", "main"), SCRIPTS, ids=[f"{folder.name}-{main}" for folder, main in SCRIPTS])
def test_the_scripts_of_the_tutorial(complaints, folder, main):
    assert complaints(folder, main) == []


@pytest.mark.parametrize(
    ("statement", "words"),
    [
        pytest.param("pipy().listen(80).conect('a:1')", "'conect' does not exist", id="filter"),
        pytest.param("pipy().listen(80).connect(7)", "'number' is not assignable", id="argument"),
        pytest.param("pipy().listen(80).connect('a:1', { retries: 1 })", "'retries' does not exist", id="option"),
        pytest.param("pipy().listen(80).serveHTTP(() => new Message(_nam))", "Cannot find name '_nam'", id="variable"),
        pytest.param("pipy().listen(80).serveHTTP(() => new Message(crypto.hash('a')))", "'hash' does not exist", id="member"),
    ],
)
def test_mistakes_are_found(complaints, tmp_path, statement, words):
    folder = tmp_path / "script"
    folder.mkdir()
    (folder / "hello.js").write_text("pipy({ _name: '' }).listen(80).serveHTTP(() => new Message(_name))\n")
    (folder / "more").mkdir()
    (folder / "more" / "wrong.js").write_text(statement)
    (complaint,) = complaints(folder, "hello.js")
    assert words in complaint


def test_a_test_file_is_known_too(complaints, tmp_path):
    folder = tmp_path / "script"
    (folder / "more").mkdir(parents=True)
    (folder / "hello.js").write_text("pipy().listen(80).serveHTTP(new Message('hi'))\n")
    (folder / "more" / "hello.test.js").write_text(
        "test('says hi', async t => t.equal((await t.port(80).request()).body.toString(), 'hi'))\n"
    )
    assert complaints(folder, "hello.js") == []
