import ssl

import pytest
from cryptography.hazmat.primitives import serialization

from pipy_core.codebase.client import Client, FetchError
from pipy_core.codebase.location import parse_location
from pipy_core.codebase.tls import client_context
from pipy_core.errors import ArgumentError
from pipy_core.testing import logged
from tests.pipy_core.codebase.server import Reply, Server, serving
from tests.system.certificates import Authority
from tests.system.certificates import authority as root_authority


@pytest.fixture(scope="module")
def authority() -> Authority:
    return root_authority()


@pytest.fixture
def folder(tmp_path, authority):
    (tmp_path / "trusted").mkdir()
    authority.write(tmp_path / "trusted", ".hidden")
    (tmp_path / "trusted" / ".junk").write_text("no certificate")
    (tmp_path / "trusted" / "root.pem").write_text(authority.pem)
    authority.issue("server", ["127.0.0.1", "localhost"]).write(tmp_path, "server")
    authority.issue("client").write(tmp_path, "client")
    return tmp_path


@pytest.fixture
def server(folder):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "server-cert.pem", folder / "server-key.pem")
    context.load_verify_locations(folder / "trusted" / "root.pem")
    context.verify_mode = ssl.CERT_OPTIONAL
    with serving(Server(), context) as running:
        running.files["/a.js"] = Reply(b"pipy()")
        yield running


def fetch(server, cert="", key="", trusted="", host="127.0.0.1"):
    context = client_context(str(cert), str(key), str(trusted))
    location = parse_location(f"{server.url}/a.js".replace("127.0.0.1", host))
    with logged():
        return Client(location, context).get("/a.js", 100).body


@pytest.mark.parametrize("trusted", ["trusted", "trusted/root.pem", "server-cert.pem"])
@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_servers_that_are_trusted(server, folder, trusted, host):
    assert fetch(server, trusted=folder / trusted, host=host) == b"pipy()"


def test_the_system_does_not_trust_it(server):
    with pytest.raises(FetchError, match="certificate verify failed"):
        fetch(server)


def test_a_certificate_of_another_host(folder, authority):
    authority.issue("other", ["other.example"]).write(folder, "other")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "other-cert.pem", folder / "other-key.pem")
    with serving(Server(), context) as server, pytest.raises(FetchError, match=r"doesn't match 'other\.example'"):
        fetch(server, trusted=folder / "trusted")


def test_a_client_certificate(folder, authority):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "server-cert.pem", folder / "server-key.pem")
    context.load_verify_locations(folder / "trusted" / "root.pem")
    context.verify_mode = ssl.CERT_REQUIRED
    with serving(Server(), context) as server:
        server.files["/a.js"] = Reply(b"pipy()")
        with pytest.raises(FetchError):
            fetch(server, trusted=folder / "trusted")
        assert fetch(server, folder / "client-cert.pem", folder / "client-key.pem", folder / "trusted") == b"pipy()"


@pytest.mark.parametrize(
    ("cert", "key", "trusted", "message"),
    [
        ("client-cert.pem", "", "", "--tls-cert and --tls-key must be used in conjuction"),
        ("", "client-key.pem", "", "--tls-cert and --tls-key must be used in conjuction"),
        ("", "", "none", "file or directory does not exist: {folder}/none"),
        ("none", "client-key.pem", "", "file or directory does not exist: {folder}/none"),
        (
            "client-cert.pem",
            "server-key.pem",
            "",
            "cannot use --tls-cert={folder}/client-cert.pem with --tls-key={folder}/server-key.pem: key values mismatch",
        ),
        (
            "client-cert.pem",
            "client-cert.pem",
            "",
            "cannot use --tls-cert={folder}/client-cert.pem with --tls-key={folder}/client-cert.pem: ",
        ),
        ("", "", "client-key.pem", "cannot use --tls-trusted={folder}/client-key.pem: client-key.pem: "),
    ],
)
def test_options_that_cannot_be_used(folder, cert, key, trusted, message):
    with pytest.raises(ArgumentError) as caught:
        client_context(*(str(folder / name) if name else "" for name in (cert, key, trusted)))
    assert str(caught.value).startswith(message.format(folder=folder))


def test_an_encrypted_key_is_not_asked_for(folder, authority):
    issued = authority.issue("client")
    encryption = serialization.BestAvailableEncryption(b"secret")
    encrypted = issued.key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, encryption)
    (folder / "secret.pem").write_bytes(encrypted)
    with pytest.raises(ArgumentError, match="cannot use --tls-cert"):
        client_context(str(folder / "client-cert.pem"), str(folder / "secret.pem"), "")
