"""``--watch``: files that are saved while the program runs."""

import pytest

from tests.system.clients import ask, connect, get
from tests.system.pipy_process import free_port

SCRIPT = "pipy().listen({port}).serveHTTP(() => new Message(pipy.load('text.txt')))"


@pytest.mark.parametrize("threads", [1, 2])
def test_saving_a_file_reloads_the_script(start_pipy, tmp_path, threads):
    port = free_port()
    files = {"app/text.txt": "one", "app/main.js": SCRIPT.format(port=port)}
    pipy = start_pipy(tmp_path / "app" / "main.js", files=files, options=["--watch", f"--threads={threads}"], ports=[port])
    script = tmp_path / "app" / "main.js"
    for number in range(100):  # nobody says when the watcher has begun
        script.write_text(files["app/main.js"] + " " * number)
        try:
            pipy.wait_for_log("Codebase reloaded", timeout=0.5)
        except AssertionError:
            continue
        break
    with connect(port) as kept:
        assert get(kept) == ("200 OK", b"one")
        (tmp_path / "app" / "main.js~").write_text(files["app/main.js"].replace("pipy.load('text.txt')", "'two'"))
        (tmp_path / "app" / "main.js~").replace(script)  # as editors save
        for _ in range(1000):
            if ask(port) == ("200 OK", b"two"):
                break
        else:
            raise AssertionError(pipy.log)
    script.write_text("broken(")
    pipy.wait_for_log("Failed reloading codebase")
    assert ask(port) == ("200 OK", b"two")
    script.write_text(files["app/main.js"])
    pipy.wait_for_log("(?s)Failed reloading codebase.*Codebase reloaded")
    assert ask(port) == ("200 OK", b"one")
    assert pipy.stop() == 0
