import subprocess
import sys
from pathlib import Path

import pytest

from pipy_core.codebase.local import LocalSource
from pipy_core.codebase.remote import RemoteSource
from pipy_core.codebase.source import open_source
from pipy_core.errors import ArgumentError
from pipy_core.settings import Settings
from pipy_core.testing import logged


def test_a_file():
    source = open_source(Settings(script="/app/proxy.js"))
    assert isinstance(source, LocalSource)
    assert source.take().root == Path("/app")


def test_a_url(server, tmp_path):
    server.put(etag='"7"', main="pipy()")
    source = open_source(Settings(script=f"{server.url}/app/", cache_dir=str(tmp_path)))
    assert isinstance(source, RemoteSource)
    with logged():
        snapshot = source.take()
    assert snapshot.root.is_relative_to(tmp_path)
    source.accept(snapshot)
    assert [path.name for path in tmp_path.iterdir()] == [snapshot.root.parent.parent.name]
    assert snapshot.root.parent.parent.name.startswith("127.0.0.1-")


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"script": "http://host/"}, "cannot open http://host/"),
        ({"script": "/app/proxy.js", "tls_cert": "x"}, "--tls-cert and --tls-key must be used in conjuction"),
        ({"script": "https://host/x/", "tls_trusted": "/none"}, "file or directory does not exist: /none"),
    ],
)
def test_settings_that_cannot_be_used(settings, message):
    with pytest.raises(ArgumentError, match=message):
        open_source(Settings(**settings))


def test_what_is_not_needed_is_not_imported():
    """A script on the disk is had without what remote ones need, and without a watcher of files."""
    check = (
        "import sys; from pipy_core.codebase.source import open_source; from pipy_core.settings import Settings;"
        "open_source(Settings(script='/app/proxy.js'));"
        "print({'urllib3', 'watchfiles', 'pipy_core.codebase.remote'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", check], capture_output=True, text=True, check=True)
    assert done.stdout == "set()\n"
