"""``--watch``: files that are saved while the program runs."""

import pytest

from tests.system.clients import ask, connect, get
from tests.system.pipy_process import free_port, save
from tests.system.test_workers import wait_until

SCRIPT = "pipy().listen({port}).serveHTTP(() => new Message(pipy.load('text.txt')))"


@pytest.mark.parametrize("threads", [1, 2])
def test_saving_a_file_reloads_the_script(start_pipy, tmp_path, threads):
    port = free_port()
    files = {"app/text.txt": "one", "app/main.js": SCRIPT.format(port=port)}
    pipy = start_pipy(tmp_path / "app" / "main.js", files=files, options=["--watch", f"--threads={threads}"], ports=[port])
    script = tmp_path / "app" / "main.js"
    save(script, files["app/main.js"] + " ")  # perhaps before the watcher has begun
    pipy.wait_for_log("Codebase reloaded")
    with connect(port) as kept:
        assert get(kept) == ("200 OK", b"one")
        save(script, files["app/main.js"].replace("pipy.load('text.txt')", "'two'"))
        wait_until(lambda: ask(port) == ("200 OK", b"two"), "the new script is not there")
    save(script, "broken(")
    pipy.wait_for_log("Failed reloading codebase")
    assert ask(port) == ("200 OK", b"two")
    save(script, files["app/main.js"])
    pipy.wait_for_log("(?s)Failed reloading codebase.*Codebase reloaded")
    assert ask(port) == ("200 OK", b"one")
    assert pipy.stop() == 0
