"""The image: its Dockerfile, what is in it, and the compose file. There is no Docker here, so it is not built."""

import fnmatch
import http.server
import json
import os
import re
import subprocess
import sys
import threading
import types

import pytest

from tests.contrib.deploy.tools import DEPLOY, ROOT, check_script, find, run
from tests.system.pipy_process import PATIENCE

DOCKER = DEPLOY / "docker"
DOCKERFILE = (DOCKER / "Dockerfile").read_text()


def test_the_dockerfile_is_as_its_linter_wants_it():
    assert run(find("hadolint"), DOCKER / "Dockerfile") == ""


def test_what_the_dockerfile_copies_is_there_and_not_ignored():
    ignored = (DOCKER / "Dockerfile.dockerignore").read_text().splitlines()
    kept = [line.removeprefix("!") for line in ignored if line.startswith("!")]
    copied = [
        name
        for line in re.findall(r"^COPY (?!--from)(.*)$", DOCKERFILE, re.MULTILINE)
        for name in [word for word in line.split() if not word.startswith("--")][:-1]
    ]
    assert "pipy_core" in copied
    assert [name for name in copied if not (ROOT / name).exists()] == []
    assert [name for name in copied if not any(name == each or fnmatch.fnmatch(name, f"{each}/*") for each in kept)] == []


def test_it_does_not_run_as_root_and_ends_well():
    user = re.findall(r"^USER (.*)$", DOCKERFILE, re.MULTILINE)[-1]
    assert not user.startswith(("0", "root"))
    assert re.search(r"^STOPSIGNAL SIGTERM$", DOCKERFILE, re.MULTILINE)


def test_its_scripts_can_be_loaded(tmp_path):
    check_script((DOCKER / "pipy.js").read_text(), "pipy.js", tmp_path)
    check_script((DOCKER / "scripts" / "proxy.js").read_text(), "proxy.js", tmp_path)


def test_the_compose_file_is_one():
    run(find("check-jsonschema"), "--builtin-schema", "vendor.compose-spec", DOCKER / "compose.yaml")


@pytest.fixture
def start(tmp_path):
    """What the entry point executes for a command line, and with which environment: everything is played by one program."""
    player = tmp_path / "pipy"
    player.write_text(
        f"#!{sys.executable}\nimport json, os, sys\nprint(json.dumps([sys.argv[0].rpartition('/')[2], *sys.argv[1:], dict(os.environ)]))\n"
    )
    player.chmod(0o755)
    (tmp_path / "id").write_text('#!/bin/sh\necho "$PLAYED_ID"\n')
    (tmp_path / "id").chmod(0o755)

    def run_entry_point(*command, user=10001, **environment):
        path = f"{tmp_path}:{os.environ['PATH']}"
        done = subprocess.run(
            [DOCKER / "entrypoint.sh", *command],
            env={"PATH": path, "PLAYED_ID": str(user), **environment},
            capture_output=True,
            text=True,
            check=True,
        )
        *words, environment = json.loads(done.stdout)
        return words, environment

    return run_entry_point


def test_docker_start_runs_what_the_environment_says(start):
    words, environment = start("pipy", "docker-start", PIPY_CONFIG_FILE="/scripts/main.js", PIPY_SPAWN="3")
    assert words == ["pipy"]
    assert environment["PIPY_CONFIG_FILE"] == "/scripts/main.js"
    assert environment["PIPY_SPAWN"] == "3"
    assert "PIPY_USER" not in environment


def test_docker_start_takes_options(start):
    assert start("pipy", "docker-start", "--log-level=warn", "--watch")[0] == ["pipy", "--log-level=warn", "--watch"]


def test_started_as_root_it_does_not_stay_so(start):
    assert start("pipy", "docker-start", user=0)[1]["PIPY_USER"] == "pipy"
    assert start("pipy", "docker-start", user=0, PIPY_USER="www-data")[1]["PIPY_USER"] == "www-data"


def test_any_other_command_is_executed_as_it_is(start):
    words, environment = start("pipy", "/my/script.js", "a  b", user=0)
    assert words == ["pipy", "/my/script.js", "a  b"]
    assert "PIPY_USER" not in environment


@pytest.fixture
def admin():
    """An admin port that answers with ``status``, and what it was asked."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            played.asked.append((self.path, self.headers.get("authorization")))
            self.send_response(played.status)
            self.end_headers()

        def log_message(self, *_):
            pass

    played = types.SimpleNamespace(status=200, asked=[])
    server = http.server.HTTPServer(("127.0.0.1", 0), Handler)
    played.port = server.server_port
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield played
    server.shutdown()
    thread.join()
    server.server_close()


def health(**environment):
    """What it says, given more time: who plays the admin port may be kept from answering."""
    script = (DOCKER / "healthcheck.py").read_text().replace("\nTIMEOUT = 2.0\n", f"\nTIMEOUT = {PATIENCE}\n")
    done = subprocess.run([sys.executable, "-c", script], env=environment, capture_output=True, text=True, check=False)
    assert "Traceback" not in done.stderr
    return done.returncode


@pytest.mark.parametrize("address", ["", "127.0.0.1:", "0.0.0.0:"])
def test_health_is_what_the_admin_port_says(admin, address):
    assert health(PIPY_ADMIN_PORT=f"{address}{admin.port}") == 0
    assert admin.asked == [("/healthz", None)]


def test_health_brings_the_token(admin):
    assert health(PIPY_ADMIN_PORT=str(admin.port), PIPY_ADMIN_TOKEN="secret") == 0
    assert admin.asked == [("/healthz", "Bearer secret")]


def test_health_is_bad_when_it_is_said_or_nobody_says_anything(admin):
    admin.status = 503
    assert health(PIPY_ADMIN_PORT=str(admin.port)) == 1
    assert health(PIPY_ADMIN_PORT="127.0.0.1:1") == 1
    assert health() == 1
