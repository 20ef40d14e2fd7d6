"""The Debian package is built, installed on a system that has nothing else, and runs the tutorial; the RPM is built and looked at.

Takes about two minutes. Nothing is left behind, and nothing is installed on this system.
"""

import os
import platform
import re
import subprocess
from pathlib import Path

import pytest

import pipy_core
from tests.contrib.deploy.tools import DEPLOY, find, run
from tests.system.pipy_process import PipyProcess, free_port
from tests.tutorial.console import read_steps
from tests.tutorial.workspace import SOURCE, Reader, Workspace

STEP = "08-load-balancing-improved"
VERSION = pipy_core.__version__

pytestmark = pytest.mark.slow


# -- Debian ---------------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def deb(source, wheels, tmp_path_factory):
    for tool in ("dh", "dpkg-buildpackage", "help2man"):
        find(tool)
    folder = tmp_path_factory.mktemp("deb")
    # -d: tests/set-up sees to what is needed; compilers, which dpkg wants for whatever package, are not.
    hurry = {"PIPY_WHEELS": str(wheels), "DPKG_DEB_COMPRESSOR_LEVEL": "1"}
    run(source / "contrib/deploy/packages/build-deb", folder, "-d", env={**os.environ, **hurry})
    (built,) = folder.glob("*.deb")
    return built


def field(deb, name):
    return run("dpkg-deb", "--field", deb, name).strip()


def archive():
    """Where the apt of this machine gets its packages from, and how, for a system of the same release."""
    form = "$(ORIGIN)|$(SIGNED_BY)|$(REPO_URI)|$(RELEASE)|$(COMPONENT)"
    lines = []
    for line in run("apt-get", "indextargets", "--format", form, "Created-By: Packages").splitlines():
        origin, key, uri, release, component = line.split("|")
        if origin in {"Debian", "Ubuntu"}:
            signed = f"[signed-by={key}] " if key.startswith("/") else ""
            lines.append(f"deb {signed}{uri} {release} {component}")
    kept = ("Acquire::http", "Acquire::ftp", "Acquire::Check-", "Acquire::ForceIP", "Acquire::Retries")
    options = [line for line in run("apt-config", "dump").splitlines() if line.startswith(kept)]
    return lines, options


@pytest.fixture(scope="module")
def system(deb, tmp_path_factory):
    """A system that has what every one has, what the package asks for, and the package."""
    if os.geteuid() != 0:
        pytest.skip("only root can install a package in a root directory of its own")
    folder = tmp_path_factory.mktemp("system")
    lines, options = archive()
    if not lines:
        pytest.skip("apt knows no archive of packages here: apt-get update has not been run, or this is no Debian")
    (folder / "sources.list").write_text("\n".join(lines) + "\n")
    (folder / "apt.conf").write_text("\n".join(options) + "\n")
    needed = ",".join(re.sub(r"\s*\([^)]*\)|\|.*", "", each).strip() for each in field(deb, "Depends").split(","))
    root = folder / "root"
    run(
        find("mmdebstrap"),
        "--variant=minbase",
        f"--include={needed}",
        f"--aptopt={folder / 'apt.conf'}",
        platform.freedesktop_os_release()["VERSION_CODENAME"],
        root,
        folder / "sources.list",
    )
    (root / "tmp" / "pipy.deb").write_bytes(deb.read_bytes())
    within(root, "dpkg", "--install", "/tmp/pipy.deb")
    yield root
    run("rm", "-rf", "--one-file-system", root)


def within(root, *command):
    """What *command* prints that is run with *root* as its root directory."""
    clean = {"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C.UTF-8"}
    return run("chroot", root, *command, env={**clean, "DEBIAN_FRONTEND": "noninteractive"})


def test_the_package_is_of_this_version(deb):
    assert field(deb, "Version").rpartition("-")[0] == VERSION


def test_lintian_finds_nothing(deb):
    assert run(find("lintian"), "--allow-root", "--fail-on=error,warning", deb).replace(
        "running with root privileges is not recommended!", ""
    ) in {
        "",
        "warning: \n",
    }


def test_what_an_administrator_changes_is_kept(deb):
    assert sorted(run("dpkg-deb", "--info", deb, "conffiles").split()) == ["/etc/default/pipy", "/etc/pipy/pipy.js"]


def test_installed_it_is_a_command_a_service_a_user_and_a_manual(system):
    assert f"Version     : {VERSION}" in within(system, "pipy", "--version")
    assert re.search(r"^pipy:x:\d+:\d+::/nonexistent:/usr/sbin/nologin$", (system / "etc/passwd").read_text(), re.MULTILINE)
    for name in ("lib/systemd/system/pipy.service", "etc/default/pipy", "usr/share/man/man1/pipy.1.gz"):
        assert (system / name).is_file() or (system / "usr" / name).is_file(), name
    assert not (system / "etc/systemd/system/multi-user.target.wants/pipy.service").exists(), "a script of one's own comes first"


def test_it_imports_nothing_but_what_it_brings(system):
    (system / "tmp" / "here").mkdir()
    (system / "tmp" / "here" / "structlog.py").write_text("raise SystemExit('imported from the working directory')\n")
    assert VERSION in within(system, "sh", "-c", "cd /tmp/here && PYTHONPATH=/tmp/here pipy --version")


@pytest.fixture
def home(system, request):
    """A directory of the system to work in."""
    folder = system / "srv" / request.node.name
    folder.mkdir()
    return folder


def interpreter(system, home, *chroot):
    """What is run as ``<python> -m pipy_core <words>`` in *home*, and runs the installed ``pipy <words>`` in the system."""
    program = home / "python"
    inside = f'cd /srv/{home.name} && exec /usr/bin/pipy "$@"'
    command = " ".join(["chroot", *chroot, str(system), "/bin/sh", "-c", f"'{inside}'", "pipy", '"$@"'])
    program.write_text(f"#!/bin/sh\nshift 2\nexec {command}\n")
    program.chmod(0o755)
    return program


def test_it_runs_the_tutorial(system, home):
    """As the user it brings, in the system it is installed in, on ports of ours."""
    reader = Reader(Workspace(home), interpreter(system, home, "--userspec=pipy:pipy"))
    try:
        for step in read_steps((SOURCE / STEP / "README.md").read_text("utf-8")):
            reader.do(step)
        reader.finish()
    finally:
        reader.abandon()


def users_of_children(pid):
    """As whom the processes run that a process has started."""
    for each in Path("/proc").glob("[0-9]*/status"):
        try:
            status = each.read_text()
        except (FileNotFoundError, ProcessLookupError):  # it has ended
            continue
        if re.search(rf"^PPid:\t{pid}$", status, re.MULTILINE):
            yield int(re.search(r"^Uid:\t(\d+)", status, re.MULTILINE)[1])


def test_started_as_root_it_works_as_the_user(system, home):
    port = free_port()
    options = ["--threads=2", "--user=pipy"]
    python = interpreter(system, home)
    script = f"pipy().listen({port}).serveHTTP(new Message('hi'))"
    with PipyProcess(script, directory=home, options=options, ports=[port], python=python) as pipy:
        assert run("curl", "-sS", "--noproxy", "*", f"http://127.0.0.1:{port}/") == "hi"
        user = int(within(system, "id", "-u", "pipy"))
        assert Path(f"/proc/{pipy.pid}").stat().st_uid == user
        assert sorted(users_of_children(pipy.pid)) == [0, user, user], "two workers, and what opens ports"
        assert pipy.stop() == 0


def test_taken_away_nothing_of_it_remains(system):
    """The last test of the system."""
    within(system, "dpkg", "--purge", "pipy")
    assert [str(path) for name in ("etc", "usr", "lib", "var") for path in (system / name).rglob("pipy*")] == []


# -- RPM ------------------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def rpm(source, wheels, tmp_path_factory):
    for tool in ("rpmbuild", "help2man"):
        find(tool)
    folder = tmp_path_factory.mktemp("rpm")
    # --nodeps: where rpm is a guest, it knows nothing of what is installed.
    hurry = ("--define", "_binary_payload w1.gzdio")
    build = (source / "contrib/deploy/packages/build-rpm", folder, "--nodeps", *hurry)
    run(*build, env={**os.environ, "PIPY_WHEELS": str(wheels)})
    (built,) = folder.glob("*.rpm")
    return built


def test_the_rpm_has_everything(rpm):
    files = set(run(find("rpm"), "-qlp", rpm).splitlines())
    assert files >= {
        "/etc/default/pipy",
        "/etc/pipy/pipy.js",
        "/usr/bin/pipy",
        "/usr/lib/pipy/bin/python3",
        "/usr/lib/systemd/system/pipy.service",
        "/usr/lib/sysusers.d/pipy.conf",
        "/usr/share/man/man1/pipy.1.gz",
    }
    assert any(name.endswith("/site-packages/pipy_core/__main__.py") for name in files)
    assert any(name.endswith("/site-packages/gevent/__init__.py") for name in files)
    outside = [name for name in files if not name.startswith(("/usr/lib/pipy", "/usr/share/doc", "/usr/share/licenses"))]
    assert len(outside) == 7, "nothing else: " + " ".join(outside)


def test_the_rpm_is_of_this_version_and_asks_for_its_python(rpm):
    assert run("rpm", "-qp", "--queryformat", "%{VERSION}", rpm) == VERSION
    needed = run("rpm", "-qp", "--requires", rpm).splitlines()
    assert [name for name in needed if re.fullmatch(r"/usr/bin/python3\.\d+", name)]
    assert [name for name in needed if ".so" in name] == [], "what its libraries want they bring"
    assert sorted(run("rpm", "-qcp", rpm).split()) == ["/etc/default/pipy", "/etc/pipy/pipy.js"]


def test_what_is_in_the_rpm_runs(rpm, tmp_path):
    """Unpacked, and its libraries before those of the system."""
    content = subprocess.run([find("rpm2cpio"), rpm], capture_output=True, check=True).stdout
    subprocess.run([find("cpio"), "-idm", "--quiet"], input=content, cwd=tmp_path, check=True)
    (libraries,) = tmp_path.glob("usr/lib/pipy/lib/python3.*/site-packages")
    start = "import sys; sys.path.insert(0, sys.argv.pop(1)); from pipy_core.cli import main; sys.exit(main())"
    assert f"Version     : {VERSION}" in run("/usr/bin/python3", "-I", "-c", start, libraries, "--version")


def test_rpmlint_finds_nothing(rpm):
    told = run(find("rpmlint"), "--config", DEPLOY / "rpm" / "rpmlint.toml", rpm, DEPLOY / "rpm" / "pipy.spec")
    assert " 0 errors, 0 warnings" in told, told
