"""Who may use the admin port."""

import pytest

from pipy_core.admin.entrance import Entrance, check, is_local, tls_options
from pipy_core.errors import ArgumentError, StartError
from pipy_core.events import Head, Message
from pipy_core.settings import Settings
from tests.system.certificates import authority


def request(**headers):
    return Message(
        Head({"method": "GET", "path": "/", "headers": {name.replace("_", "-"): value for name, value in headers.items()}})
    )


def status(entrance, **headers):
    refusal = entrance.refusal(request(**headers))
    return None if refusal is None else refusal.head.fields["status"]


@pytest.mark.parametrize(
    ("address", "more", "text"),
    [
        (None, {}, ""),
        (("127.0.0.1", 1), {}, ""),
        (("127.8.0.1", 1), {}, ""),
        (("::1", 1), {}, ""),
        (("0.0.0.0", 1), {"admin_token": "t"}, ""),
        (
            ("0.0.0.0", 6060),
            {},
            "the admin port would be open to everybody at 0.0.0.0:6060: set --admin-token or --admin-tls-trusted",
        ),
        (("::", 6060), {}, r"at \[::\]:6060: set"),
        (("192.0.2.1", 6060), {"admin_tls_cert": "CERT", "admin_tls_key": "CERT"}, "would be open to everybody"),
        (("0.0.0.0", 1), {"admin_tls_cert": "CERT", "admin_tls_key": "CERT", "admin_tls_trusted": "DIR"}, ""),
        (None, {"admin_tls_cert": "CERT"}, "--admin-tls-cert and --admin-tls-key must be used in conjuction"),
        (None, {"admin_tls_key": "CERT"}, "--admin-tls-cert and --admin-tls-key must be used in conjuction"),
        (None, {"admin_tls_trusted": "CERT"}, "--admin-tls-cert and --admin-tls-key are required for --admin-tls-trusted"),
        (None, {"admin_tls_cert": "none", "admin_tls_key": "CERT"}, "file or directory does not exist: /.*/none"),
        (None, {"admin_token": "a\nb"}, "invalid --admin-token"),
        (None, {"admin_token": "ä"}, "invalid --admin-token"),
    ],
)
def test_settings(tmp_path, monkeypatch, address, more, text):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "CERT").write_text("")
    (tmp_path / "DIR").mkdir()
    settings = Settings(admin_address=address, **more)
    if not text:
        check(settings)
        return
    with pytest.raises(ArgumentError, match=text):
        check(settings)


def test_who_is_local():
    assert is_local(Settings())
    assert is_local(Settings(admin_address=("::1", 1)))
    assert not is_local(Settings(admin_address=("10.0.0.1", 1)))


@pytest.mark.parametrize("local", [True, False])
@pytest.mark.parametrize(
    ("field", "expected"),
    [
        ("Bearer secret", None),
        ("bearer secret", None),
        ("Bearer  secret ", None),
        ("Bearer secre", 401),
        ("Bearer secret2", 401),
        ("Bearer", 401),
        ("Basic secret", 401),
        ("secret", 401),
        ("", 401),
        ("Bearer \udcff\u00e4", 401),
        (["Bearer secret"], 401),
        (None, 401),
    ],
)
def test_tokens(field, expected, local):
    entrance = Entrance(Settings(admin_address=("127.0.0.1" if local else "0.0.0.0", 1), admin_token="secret"))
    assert status(entrance, **({} if field is None else {"authorization": field}), host="anything.example") == expected


@pytest.mark.parametrize(
    ("method", "path", "expected"),
    [
        ("GET", "/healthz", None),
        ("HEAD", "/readyz", None),
        ("GET", "/status", 401),
        ("GET", "/metrics", 401),
        ("POST", "/healthz", 401),
        ("GET", "/healthz/x", 401),
        ("GET", "/healthz?x", 401),
    ],
)
def test_probes_have_no_token(method, path, expected):
    refusal = Entrance(Settings(admin_token="secret")).refusal(Message(Head({"method": method, "path": path})))
    assert (refusal and refusal.head.fields["status"]) == expected


def test_the_refusal_says_what_is_wanted():
    refusal = Entrance(Settings(admin_token="secret")).refusal(request())
    assert refusal.head.fields["headers"]["www-authenticate"] == 'Bearer realm="pipy"'


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({}, None),
        ({"host": "localhost"}, None),
        ({"host": "LocalHost:6060"}, None),
        ({"host": "127.0.0.1:6060"}, None),
        ({"host": "127.1.2.3"}, None),
        ({"host": "[::1]:6060"}, None),
        ({"host": "evil.example:6060"}, 403),
        ({"host": "127.0.0.1.evil.example"}, 403),
        ({"host": "192.168.0.1"}, 403),
        ({"host": "localhost.evil.example"}, 403),
        ({"host": "user@localhost"}, 403),
        ({"host": ""}, 403),
        ({"host": "mymachine:6060"}, None),
        ({"host": "mymachine.:6060"}, 403),
        ({"host": ["localhost", "evil"]}, 403),
        ({"host": "localhost", "origin": "http://localhost:6060"}, None),
        ({"host": "localhost", "origin": "https://[::1]"}, None),
        ({"host": "localhost", "origin": "http://evil.example"}, 403),
        ({"host": "localhost", "origin": "null"}, 403),
        ({"host": "localhost", "origin": "file://"}, 403),
    ],
)
def test_other_names_for_this_machine(headers, expected):
    assert status(Entrance(Settings(admin_address=("127.0.0.1", 1))), **headers) == expected


def test_names_do_not_matter_where_everybody_may_come():
    settings = Settings(admin_address=("0.0.0.0", 1), admin_tls_cert="c", admin_tls_key="k", admin_tls_trusted="t")
    assert status(Entrance(settings), host="proxy.example") is None


def test_a_request_without_a_head():
    assert Entrance(Settings()).refusal(Message()) is None


class TestTLS:
    def settings(self, folder, **more):
        return Settings(admin_tls_cert=str(folder / "cert"), admin_tls_key=str(folder / "key"), **more)

    @pytest.fixture
    def folder(self, tmp_path):
        pair = authority("test").issue("localhost")
        (tmp_path / "cert").write_text(pair.pem)
        (tmp_path / "key").write_text(pair.key_pem)
        return tmp_path

    def test_none(self):
        assert tls_options(Settings()) is None

    def test_a_certificate(self, folder):
        options = tls_options(self.settings(folder))
        assert set(options) == {"certificate"}

    def test_clients(self, folder):
        (folder / "trusted").mkdir()
        for name in ("one", "two", ".hidden"):
            (folder / "trusted" / name).write_text((folder / "cert").read_text())
        assert len(tls_options(self.settings(folder, admin_tls_trusted=str(folder / "trusted")))["trusted"]) == 2
        assert len(tls_options(self.settings(folder, admin_tls_trusted=str(folder / "cert")))["trusted"]) == 1

    def test_nobody(self, folder):
        (folder / "trusted").mkdir()
        with pytest.raises(StartError, match="no certificates in"):
            tls_options(self.settings(folder, admin_tls_trusted=str(folder / "trusted")))

    def test_files_that_are_none(self, folder):
        (folder / "key").write_text("nonsense")
        with pytest.raises(StartError, match=r"key: this is no private key"):
            tls_options(self.settings(folder))
        (folder / "cert").unlink()
        with pytest.raises(StartError, match=r"cannot read .*cert: No such file"):
            tls_options(self.settings(folder))


@pytest.mark.parametrize(
    ("method", "path", "expected"),
    [
        ("GET", "/healthz", None),
        ("HEAD", "/readyz", None),
        ("POST", "/healthz", 401),
        ("GET", "/healthz/", 401),
        ("GET", "/readyz?verbose", 401),
        ("GET", "/metrics", 401),
        ("GET", "/status", 401),
    ],
)
def test_probes_want_no_token(method, path, expected):
    entrance = Entrance(Settings(admin_address=("0.0.0.0", 1), admin_token="secret"))
    refusal = entrance.refusal(Message(Head({"method": method, "path": path, "headers": {}})))
    assert (None if refusal is None else refusal.head.fields["status"]) == expected
