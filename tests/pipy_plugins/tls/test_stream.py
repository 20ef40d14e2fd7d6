"""acceptTLS and connectTLS back to back: the ciphertext of one is the ciphertext of the other, without a network in between."""

import gc
import weakref
from functools import partial

import pytest
from cryptography.hazmat.primitives.serialization import Encoding
from hypothesis import given, settings
from hypothesis import strategies as st
from OpenSSL import SSL

from pipy_core.api import (
    END,
    EOS,
    FLUSH,
    UNDEFINED,
    ArgumentError,
    Certificate,
    CertificateChain,
    Data,
    Failure,
    Filter,
    MessageStart,
    PrivateKey,
    ScriptDict,
    ScriptError,
    ScriptList,
    StreamEnd,
)
from pipy_core.params import bind
from pipy_core.testing import Tape, World, check_filter, declared, logged, merged, target, throws
from pipy_plugins.tls import accept, connect
from pipy_plugins.tls.accept import AcceptTLS
from pipy_plugins.tls.connect import ConnectTLS
from tests.strategies import streams
from tests.system.certificates import DAY, authority

CA = authority()
HOST = CA.issue("server", ["server.test", "*.wild.test", "127.0.0.1"])
OTHER = CA.issue("other", ["other.test"])
CLIENT = CA.issue("client")
STRANGER = authority("somebody else").issue("stranger", ["server.test"])
UNAUTHORIZED = StreamEnd(Failure.UNAUTHORIZED)


def pair(issued):
    return ScriptDict(cert=Certificate(issued.certificate), key=PrivateKey(issued.key))


TRUST = ScriptList([Certificate(CA.certificate)])


def options(plugin, name, given):
    """What the filter gets for *given*, functions left to the tape."""
    functions = {key: value for key, value in given.items() if callable(value)}
    plain = {key: value for key, value in given.items() if not callable(value)}
    if "certificate" in functions:
        plain["certificate"] = pair(HOST)
    bound = bind(declared(plugin, name).forms, ["inside", ScriptDict(plain)])[1]
    return bound | functions


class Echo(Filter):
    """Says everything again, in pieces."""

    def __init__(self, piece):
        self._piece = piece * 1000

    def process(self, event):
        for part in cut(event, self._piece):
            self.emit(part)


class Wire:
    """A client and a server whose ciphertext a test carries from one to the other."""

    def __init__(self, server=None, client=None, **more):
        world = World()
        given = {"certificate": pair(HOST)} | (server or {})
        self.world = world
        self.server = Tape(AcceptTLS, target("inside"), options(accept, "acceptTLS", given), world=world, **more)
        self.client = Tape(ConnectTLS, target("way"), options(connect, "connectTLS", client or {}), world=world, **more)
        self.heard = []  # what came out of the client
        self._carried = 0
        self.received = 0  # bytes from the server

    def again(self):
        """The next connection through the same filters."""
        wire = Wire.__new__(Wire)
        wire.world, wire.heard, wire._carried, wire.received = self.world, [], 0, 0
        wire.server, wire.client = self.server.again(), self.client.again()
        self.world.children.clear()
        return wire

    @property
    def way(self):
        return self.client.child("way")

    @property
    def inside(self):
        return self.server.child("inside")

    @property
    def said(self):
        """What reached the server's sub-pipeline."""
        return merged(self.inside.fed) if self.server.children("inside") else []

    def say(self, *events, piece=0):
        """The client says something; everything is carried until nobody has anything more to say."""
        self.heard += self.client.play(*events).events
        return self.carry(piece)

    def answer(self, *events):
        """The server's sub-pipeline says something."""
        return self.carry(answers=self.inside.reply(*events).events)

    def carry(self, piece=0, answers=()):
        answers = list(answers)
        while True:
            sent = self.way.fed[self._carried :]
            self._carried += len(sent)
            for event in sent:
                for part in cut(event, piece):
                    answers += self.server.play(part).events
            if not sent and not answers:
                return self
            for event in answers:
                self.received += len(event.payload) if isinstance(event, Data) else 0
                for part in cut(event, piece):
                    self.heard += self.way.reply(part).events
            answers = []


def cut(event, piece):
    if not piece or not isinstance(event, Data):
        return [event]
    return [Data(event.payload[at : at + piece]) for at in range(0, len(event.payload), piece)]


def test_a_story():
    wire = Wire()
    wire.say(MessageStart(), Data(b"hello"), END)
    assert wire.said == [Data(b"hello")]
    assert wire.inside.shares_context
    assert wire.way.shares_context
    assert all(b"hello" not in event.payload for event in wire.way.fed)
    wire.answer(Data(b"good "), Data(b"day"))
    assert merged(wire.heard) == [Data(b"good day")]
    wire.say(Data(b"bye"), EOS)
    assert wire.said == [Data(b"hellobye"), EOS]
    wire.answer(Data(b"bye"), EOS)
    assert merged(wire.heard) == [Data(b"good daybye"), EOS]
    assert wire.way.fed[-1] == EOS


@pytest.mark.parametrize("version", ["TLSv1.2", "TLSv1.3"])
@pytest.mark.parametrize(
    ("piece", "size"), [(0, 1), (0, 5_000), (0, 300_000), (1, 1), (1, 5_000), (7, 5_000), (100, 5_000), (100, 300_000)]
)
def test_in_any_pieces_everything_arrives(version, piece, size):
    wire = Wire(client={"maxVersion": version})
    up, down = bytes(range(256)) * (size // 256 + 1), b"answer" * size
    wire.say(Data(up), piece=piece)
    wire.answer(Data(down))
    assert wire.said == [Data(up)]
    assert merged(wire.heard) == [Data(down)]


@pytest.mark.parametrize("piece", [0, 11])
def test_inside_of_each_other(piece):
    wire = Wire()
    inner = (AcceptTLS, target("inside"), options(accept, "acceptTLS", {"certificate": pair(HOST)}))
    wire.server = Tape(AcceptTLS, target("outer", [inner]), inner[2], world=wire.world)
    inner = (ConnectTLS, target("way"), options(connect, "connectTLS", {}))
    wire.client = Tape(ConnectTLS, target("tunnel", [inner]), inner[2], world=wire.world)
    wire.say(Data(b"question" * 3000), piece=piece)
    wire.answer(Data(b"answer" * 3000), EOS)
    assert wire.said == [Data(b"question" * 3000), EOS]
    assert merged(wire.heard) == [Data(b"answer" * 3000), EOS]


@pytest.mark.parametrize("piece", [0, 11])
def test_both_in_one_pipeline(piece):
    """What one sends reaches the other, and is answered, before it has come back from sending."""
    world = World()
    server = (AcceptTLS, target("inside", [partial(Echo, piece)]), options(accept, "acceptTLS", {"certificate": pair(HOST)}))
    tape = Tape(ConnectTLS, target("way", [server]), options(connect, "connectTLS", {"trusted": TRUST}), world=world)
    heard = tape.play(FLUSH, Data(b"one" * 50_000), Data(b"two"), EOS).events
    assert merged(heard) == [Data(b"one" * 50_000 + b"two"), EOS]


def test_nothing_is_said_before_the_handshake_is_done_and_the_order_is_kept():
    wire = Wire()
    wire.client.play(Data(b"1"), FLUSH, Data(b"2")).expect()
    [hello] = wire.way.fed
    assert b"1" not in hello.payload[:1]
    wire.client.play(Data(b"3"), EOS).expect()
    assert wire.way.fed == [hello]
    wire.carry()
    assert wire.said == [Data(b"123"), EOS]


def test_the_handshake_begins_with_any_event():
    for event in (FLUSH, MessageStart(), END):
        wire = Wire()
        wire.client.play(event).expect()
        assert wire.way.fed[0].payload[0] == 22
    wire = Wire()
    wire.client.play(EOS).expect(EOS)
    assert not wire.client.children()


def test_the_sender_waits_while_much_waits_for_the_handshake():
    wire = Wire()
    wire.client.play(Data(bytes(60 * 1024))).expect()
    assert not wire.client.held
    wire.client.play(Data(bytes(60 * 1024))).expect()
    assert wire.client.held
    wire.carry()
    assert not wire.client.held
    assert wire.said == [Data(bytes(120 * 1024))]


def test_too_much_before_the_handshake_ends_the_stream():
    wire = Wire()
    with logged() as lines:
        for _ in range(16):
            wire.client.play(Data(bytes(1024 * 1024))).anything()
        events = wire.client.play(Data(bytes(1024 * 1024))).events
    assert events in ([], [StreamEnd(Failure.BUFFER_OVERFLOW)])
    assert wire.way.fed[-1] == StreamEnd(Failure.BUFFER_OVERFLOW)
    assert lines == ["[ERR] [tls] more than 16 MiB came before the handshake was done"]


# -- who is who ---------------------------------------------------------------------------------------------------------


def refused(wire, *words):
    """The handshake fails for both sides; the log says *words*."""
    with logged() as lines:
        wire.say(Data(b"x"))
    text = "\n".join(lines)
    assert "Handshake failed (error = 1)" in text
    for each in words:
        assert each in text
    assert wire.heard[-1] in (UNAUTHORIZED, StreamEnd(Failure.UNAUTHORIZED))
    return text


def test_without_trust_anybody_is_taken():
    assert Wire(server={"certificate": pair(STRANGER)}, client={"sni": "elsewhere.test"}).say(Data(b"x")).said == [Data(b"x")]


@pytest.mark.parametrize("name", ["server.test", "SERVER.test", "a.wild.test", "127.0.0.1", "server.test."])
def test_a_trusted_server_with_the_right_name(name):
    wire = Wire(client={"trusted": TRUST, "sni": name, "checkHost": True})
    assert wire.say(Data(b"x")).said == [Data(b"x")]


@pytest.mark.parametrize("name", ["other.test", "wild.test", "a.b.wild.test", "127.0.0.2", ""])
def test_a_wrong_name(name):
    wire = Wire(client={"trusted": TRUST, "sni": name, "checkHost": True})
    refused(wire, "it is not for")
    assert wire.heard == [UNAUTHORIZED]
    assert Wire(client={"trusted": TRUST, "sni": name}).say(Data(b"x")).said == [Data(b"x")], "without checkHost it does not matter"


def test_a_server_that_is_not_trusted():
    wire = Wire(server={"certificate": pair(STRANGER)}, client={"trusted": TRUST})
    refused(wire, "certificate verify failed", "unable to get issuer cert locally")
    assert wire.heard == [UNAUTHORIZED]
    assert wire.way.fed[-1] == UNAUTHORIZED
    assert wire.said == [UNAUTHORIZED]


def test_an_old_certificate():
    old = CA.issue("server", ["server.test"], age=2 * DAY)
    refused(Wire(server={"certificate": pair(old)}, client={"trusted": TRUST}), "cert has expired")


def test_whoever_is_named_is_trusted_root_or_not():
    middle = CA.authority("middle")
    own = middle.issue("server", ["server.test"])
    chain = ScriptDict(cert=CertificateChain((own.certificate, middle.certificate)), key=PrivateKey(own.key))
    for trusted in (own, middle, CA):
        wire = Wire(server={"certificate": chain}, client={"trusted": ScriptList([Certificate(trusted.certificate)])})
        assert wire.say(Data(b"x")).said == [Data(b"x")]
    both = ScriptList([CertificateChain((STRANGER.certificate, CA.certificate))])
    assert Wire(server={"certificate": chain}, client={"trusted": both}).say(Data(b"x")).said == [Data(b"x")]


def test_a_client_with_the_right_certificate():
    wire = Wire(server={"trusted": TRUST}, client={"certificate": pair(CLIENT)})
    assert wire.say(Data(b"x")).said == [Data(b"x")]


@pytest.mark.parametrize("version", ["TLSv1.2", "TLSv1.3"])
@pytest.mark.parametrize(
    ("client", "words"),
    [
        pytest.param({}, "peer did not return a certificate", id="none"),
        pytest.param({"certificate": pair(STRANGER)}, "certificate verify failed", id="a-stranger's"),
    ],
)
def test_a_client_without_the_right_certificate(version, client, words):
    wire = Wire(server={"trusted": TRUST}, client=client | {"maxVersion": version})
    refused(wire, words)
    assert wire.said == [UNAUTHORIZED]
    assert wire.heard == [UNAUTHORIZED], "the alert reached the client"


def test_a_function_chooses_the_certificate_by_name():
    asked = []

    def choose(*names):
        asked.append(names)
        return {"server.test": made, "other.test": other}.get(names[0] if names else "")

    made, other = pair(HOST), pair(OTHER)
    for name, issued in (("server.test", HOST), ("other.test", OTHER)):
        wire = Wire(
            server={"certificate": choose},
            client={"sni": name, "trusted": ScriptList([Certificate(issued.certificate)])},
        )
        assert wire.say(Data(b"x"), piece=3).said == [Data(b"x")]
    assert asked == [("server.test",), ("other.test",)]
    asked.clear()
    refused(Wire(server={"certificate": choose}), "no shared cipher")
    assert asked == [()]


def test_contexts_of_certificates_are_made_once():
    made = pair(HOST)
    wire = Wire(server={"certificate": lambda *_: made}, client={"sni": "a"})
    wire.say(Data(b"1"))
    first = wire.server.pipeline._filters[0]._engine._connection.get_context()
    wire = wire.again()
    assert wire.say(Data(b"2")).said == [Data(b"2")]
    assert wire.server.pipeline._filters[0]._engine._connection.get_context() is first


@pytest.mark.parametrize(
    ("given", "words"),
    [
        pytest.param(1, "certificate callback did not return an object", id="no-object"),
        pytest.param(ScriptDict(cert=Certificate(HOST.certificate)), "certificate.key requires a PrivateKey object", id="no-key"),
        pytest.param(
            ScriptDict(key=PrivateKey(HOST.key), cert="pem"),
            "certificate.cert requires a Certificate or a CertificateChain object",
            id="no-certificate",
        ),
        pytest.param(ScriptDict(key=PrivateKey(HOST.key), cert=CertificateChain(())), "empty certificate chain", id="empty"),
        pytest.param(
            ScriptDict(key=PrivateKey(CLIENT.key), cert=Certificate(HOST.certificate)), "certificate cannot be used", id="other-key"
        ),
    ],
)
def test_what_a_certificate_function_may_not_give(given, words):
    refused(Wire(server={"certificate": lambda *_: given}), words)
    if isinstance(given, ScriptDict):
        with pytest.raises(ArgumentError, match="options"):
            Wire(server={"certificate": given})


def test_an_exception_in_a_function_ends_the_stream():
    failed = StreamEnd(Failure.RUNTIME_ERROR)
    wire = Wire(server={"certificate": throws()})
    wire.client.play(FLUSH).expect()
    wire.server.play(*wire.way.fed).fails(ScriptError).expect(failed)
    wire = Wire(client={"certificate": throws()})
    wire.client.play(FLUSH).fails(ScriptError).expect(failed)
    wire = Wire(client={"sni": throws()})
    wire.client.play(FLUSH).fails(ScriptError).expect(failed)
    wire = Wire(client={"verify": throws()})
    wire.client.play(FLUSH).expect()
    answers = wire.server.play(*wire.way.fed).events
    wire.way.reply(*answers).fails(ScriptError).expect(failed)
    assert isinstance(wire.way.fed[-1], Data), "the server is told that it is not accepted"


@pytest.mark.parametrize("answer", [True, False])
@pytest.mark.parametrize("known", [True, False])
def test_verify_has_the_last_word(answer, known):
    asked = []

    def verify(ok, info):
        asked.append((ok, info))
        return answer

    wire = Wire(server={"certificate": pair(HOST if known else STRANGER)}, client={"verify": verify, "trusted": TRUST})
    if answer:
        assert wire.say(Data(b"x")).said == [Data(b"x")]
    else:
        refused(wire, "the script does not accept it" if known else "unable to get issuer cert locally")
    oks = [ok for ok, _ in asked]
    assert (False in oks) != known
    info = next(info for _, info in asked if info["depth"] == 0) if answer or not known else asked[0][1]
    if not known:
        assert info["subject"] == "CN=stranger"
        assert info["issuer"] == "CN=somebody else"
        assert info["names"] == ["server.test"]
        assert info["error"]
        assert len(info["fingerprint"]) == 64
        assert info["serialNumber"] == f"{STRANGER.certificate.serial_number:x}"
        assert info["notBefore"] < info["notAfter"]


def test_verify_alone_asks_clients_for_a_certificate():
    seen = []
    verify = {"verify": lambda ok, info: seen.append(info["subject"]) or True}
    wire = Wire(server=verify, client={"certificate": pair(STRANGER)})
    assert wire.say(Data(b"x")).said == [Data(b"x")]
    assert "CN=stranger" in seen
    refused(Wire(server=verify), "peer did not return a certificate")


# -- what is agreed on --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("server", "client", "agreed"),
    [
        (["h2", "http/1.1"], ["http/1.1", "h2"], "h2"),
        (["http/1.1"], ["h2", "http/1.1"], "http/1.1"),
        ([], ["h2"], ""),
        (["h2"], [], ""),
    ],
)
def test_alpn(server, client, agreed):
    wire = Wire(server={"alpn": ScriptList(server)}, client={"alpn": ScriptList(client)})
    wire.say(FLUSH)
    assert wire.server.context.alpn == agreed
    assert wire.client.context.alpn == agreed
    assert wire.heard == ([FLUSH] if client else []), "whoever waits for it is told"


def test_without_a_common_protocol_there_is_no_connection():
    wire = Wire(server={"alpn": ScriptList(["h2"])}, client={"alpn": ScriptList(["http/1.1"])})
    refused(wire, "no application protocol")


@pytest.mark.parametrize("name", [None, "", 5, "x" * 256, "ü"])
def test_alpn_takes_names_only(name):
    with pytest.raises(ArgumentError, match="element 0"):
        Wire(server={"alpn": ScriptList([name])})


@pytest.mark.parametrize(
    ("server", "client"),
    [({"minVersion": "TLSv1.3"}, {"maxVersion": "TLS1.2"}), ({}, {"minVersion": "TLSv1", "maxVersion": "TLSv1.1"})],
)
def test_versions_that_do_not_meet(server, client):
    refused(Wire(server=server, client=client))


@pytest.mark.parametrize(
    "given",
    [
        {"minVersion": "SSLv3"},
        {"minVersion": 1.2},
        {"minVersion": "TLSv1.3", "maxVersion": "TLSv1.2"},
        {"ciphers": "nonsense"},
        {"trusted": ScriptList(["pem"])},
        {"trusted": "pem"},
        {"certificate": "pem"},
        {"certificate": None},
        {"certificate": UNDEFINED},
        {"handshakeTimeout": "soon"},
    ],
)
def test_options_are_checked_when_the_script_is_loaded(given):
    with pytest.raises(ArgumentError):
        Wire(server=given)


@pytest.mark.parametrize("given", [{"checkHost": True, "sni": "a"}, {"checkHost": True, "trusted": TRUST}, {"sni": 5}])
def test_options_of_clients_are_checked(given):
    with pytest.raises(ArgumentError):
        Wire(client=given)


def test_acceptTLS_needs_options():  # noqa: N802
    with pytest.raises(ArgumentError):
        bind(declared(accept, "acceptTLS").forms, ["inside"])


def test_ciphers():
    wire = Wire(client={"maxVersion": "TLSv1.2", "ciphers": "ECDHE-ECDSA-AES256-GCM-SHA384"}).say(Data(b"x"))
    assert wire.said == [Data(b"x")]
    engine = wire.server.pipeline._filters[0]._engine
    assert engine._connection.get_cipher_name() == "ECDHE-ECDSA-AES256-GCM-SHA384"


@pytest.mark.parametrize(
    ("sni", "sent", "lines"),
    [
        ("a.test", "a.test", []),
        (lambda: "b.test", "b.test", []),
        ("bücher.test", "xn--bcher-kva.test", []),
        ("127.0.0.1", None, []),
        ("::1", None, []),
        ("", None, []),
        (lambda: 5, None, ["[ERR] [tls] sni callback did not return a string"]),
        (lambda: UNDEFINED, None, ["[ERR] [tls] sni callback did not return a string"]),
        ("ü" * 100, None, ["[ERR] [tls] sni is not the name of a host"]),
        ("a" * 256, None, ["[ERR] [tls] sni is not the name of a host"]),
        ("a.test\0.b.test", None, ["[ERR] [tls] sni is not the name of a host"]),
        ("a b", None, ["[ERR] [tls] sni is not the name of a host"]),
        ("a.test.", "a.test", []),
    ],
)
def test_sni(sni, sent, lines):
    asked = []
    made = pair(HOST)
    wire = Wire(server={"certificate": lambda *names: asked.append(names) or made}, client={"sni": sni})
    with logged() as log:
        assert wire.say(Data(b"x")).said == [Data(b"x")]
    assert asked == [(sent,) if sent else ()]
    assert log == lines


# -- sessions -----------------------------------------------------------------------------------------------------------


def talks(wire, count=3):
    """How many bytes the server has sent in each of *count* connections through the same filters."""
    sizes = []
    for _ in range(count):
        wire.say(Data(b"x"))
        wire.answer(Data(b"y"))
        assert wire.said == [Data(b"x")]
        assert merged(wire.heard) == [Data(b"y")]
        sizes.append(wire.received)
        wire.client.close().expect()  # OpenSSL thinks little of sessions whose connections were cut
        before, wire = wire, wire.again()
        del before
        gc.collect()
    return sizes


@pytest.mark.parametrize("version", ["TLSv1.2", "TLSv1.3"])
@pytest.mark.parametrize("trust", [False, True])
def test_a_session_is_resumed(version, trust):
    server = {"trusted": TRUST} if trust else {}
    client = {"maxVersion": version, "sni": "server.test", "trusted": TRUST, "checkHost": True, "certificate": pair(CLIENT)}
    first, *others = talks(Wire(server, client))
    for other in others:
        assert other < first - len(HOST.certificate.public_bytes(Encoding.DER)), "the certificate was not sent again"


@pytest.mark.parametrize("version", ["TLSv1.2", "TLSv1.3"])
@pytest.mark.parametrize("side", ["server", "client"])
def test_where_the_script_verifies_it_does_so_each_time(version, side):
    asked = []
    verify = {"verify": lambda ok, info: asked.append(ok) or True}
    client = {"maxVersion": version, "certificate": pair(CLIENT)}
    first, second, third = talks(Wire(**({"client": client} | {side: (client if side == "client" else {}) | verify})))
    assert abs(first - second) < 20
    assert abs(second - third) < 20
    assert len(asked) % 3 == 0
    assert asked


def test_a_session_that_is_not_known_any_more_does_no_harm():
    wire, other = Wire(client={"sni": "server.test"}), Wire()
    assert talks(wire, 1)
    wire = wire.again()
    wire.server = other.server  # has other keys for its tickets
    assert talks(wire, 1)


def test_sessions_are_bounded(monkeypatch):
    monkeypatch.setattr("pipy_plugins.tls.contexts.MOST_SESSIONS", 2)
    names = iter(["a", "b", "c", "d"])
    wire = Wire(client={"sni": lambda: next(names)})
    tickets = wire.client.pipeline._filters[0]._contexts.tickets
    for _ in range(4):
        wire.say(Data(b"x"))
        wire.answer(Data(b"y"))
        wire = wire.again()
    assert len(tickets) == 2


# -- how it ends --------------------------------------------------------------------------------------------------------


def test_the_client_says_goodbye_and_still_gets_its_answer():
    wire = Wire()
    wire.say(Data(b"question"), EOS)
    assert wire.said == [Data(b"question"), EOS]
    wire.answer(Data(b"answer"), EOS)
    assert merged(wire.heard) == [Data(b"answer"), EOS]


def test_the_server_says_goodbye():
    wire = Wire()
    wire.say(Data(b"x"))
    wire.answer(EOS)
    assert wire.heard == [EOS]
    assert wire.way.fed[-1] == EOS
    wire.client.play(Data(b"late"), EOS).expect()


def test_a_server_that_just_disappears_has_not_said_everything():
    wire = Wire()
    wire.say(Data(b"x"))
    wire.way.reply(EOS).expect(StreamEnd(Failure.READ_ERROR))


def test_a_client_that_just_disappears():
    wire = Wire()
    wire.say(Data(b"x"))
    wire.server.play(EOS).anything()
    assert wire.said == [Data(b"x"), EOS]


@pytest.mark.parametrize("error", [Failure.CONNECTION_REFUSED, Failure.READ_ERROR])
def test_an_error_of_the_way_is_passed_on(error):
    end = StreamEnd(error)
    wire = Wire()
    wire.client.play(Data(b"x")).expect()
    wire.way.reply(end).expect(end)
    wire = Wire()
    wire.say(Data(b"x"))
    wire.way.reply(end).expect(end)
    wire.client.play(Data(b"late")).anything()


def test_an_error_of_the_user_is_no_goodbye():
    wire = Wire()
    wire.say(Data(b"x"))
    sent = len(wire.way.fed)
    wire.client.play(StreamEnd(Failure.RUNTIME_ERROR)).expect()
    assert wire.way.fed[sent:] == [StreamEnd(Failure.RUNTIME_ERROR)]
    wire = Wire()
    wire.say(Data(b"x"))
    wire.inside.reply(StreamEnd(Failure.READ_ERROR)).expect(StreamEnd(Failure.READ_ERROR))


def test_a_stranger_connects_and_leaves():
    wire = Wire()
    with logged() as lines:
        wire.server.play(EOS).expect(EOS)
    assert wire.said == [EOS]
    assert lines == []
    wire = Wire()
    wire.server.play(Data(b"\x16\x03\x01"), StreamEnd(Failure.READ_ERROR)).expect(StreamEnd(Failure.READ_ERROR))


@pytest.mark.parametrize("side", ["server", "client"])
def test_a_handshake_that_does_not_end(side):
    wire = Wire(**{side: {"handshakeTimeout": 3}})
    late = StreamEnd(Failure.CONNECTION_TIMEOUT)
    with logged() as lines:
        if side == "client":
            wire.client.play(Data(b"x")).expect()
            wire.client.advance(2.9).expect()
            wire.client.advance(0.2).expect(late)
            assert wire.way.fed[-1] == late
        else:
            wire.server.play(Data(b"\x16")).expect()
            wire.server.advance(2.9).expect()
            wire.server.advance(0.2).expect(late)
    assert lines == ["[WRN] [tls] Handshake failed (timeout)"]


def test_a_handshake_in_time():
    wire = Wire(server={"handshakeTimeout": 3}, client={"handshakeTimeout": 3}).say(Data(b"x"))
    wire.server.advance(100).expect()
    wire.client.advance(100).expect()


def test_closing_lets_go_of_everything():
    wire = Wire()
    wire.say(Data(b"x"))
    wire.server.close().expect()
    wire.client.close().expect()
    assert wire.inside.closed
    assert wire.way.closed
    wire.server.close().expect()


def test_the_end_of_the_program_is_passed_on():
    wire = Wire().say(Data(b"x"))
    wire.server.drain().expect()
    wire.client.drain().expect()
    assert wire.inside.drained
    assert wire.way.drained


def test_at_the_end_of_the_program_an_idle_connection_ends():
    wire = Wire()
    wire.server.drain().expect()
    wire.server.drain().expect(EOS)
    wire = Wire().say(FLUSH)
    assert wire.inside.fed == [FLUSH]
    wire.server.drain().expect()
    assert wire.inside.drained
    *goodbye, end = wire.inside.reply(EOS).events
    assert end == EOS
    wire.carry(answers=goodbye)
    assert wire.heard == [EOS]


@pytest.mark.parametrize("chooses", [False, True])
def test_at_the_end_of_the_program_a_handshake_goes_on(chooses):
    made = pair(HOST)
    wire = Wire(server={"certificate": (lambda *_: made) if chooses else made})
    wire.client.play(FLUSH).expect()
    hello = wire.way.fed[0].payload
    wire.server.play(Data(hello[:100])).expect()
    wire.server.drain().expect()
    wire._carried = 1
    wire.server.drain().expect()
    wire.carry(answers=wire.server.play(Data(hello[100:])).events)
    assert wire.inside.drained
    wire.say(Data(b"request"))
    assert wire.said == [Data(b"request")]


@pytest.mark.parametrize("trust", [False, True])
def test_nothing_is_left_for_the_collector(trust):
    wire = Wire(server={"trusted": TRUST} if trust else {}, client={"trusted": TRUST, "certificate": pair(CLIENT)})
    wire.say(Data(b"x"))
    gone = [weakref.ref(tape.pipeline._filters[0]) for tape in (wire.server, wire.client)]
    gone += [weakref.ref(each()._engine._connection) for each in gone]
    gc.disable()
    try:
        wire.server.close().expect()
        wire.client.close().expect()
        assert [each() for each in gone] == [None] * 4
    finally:
        gc.enable()


# -- attacks ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "garbage",
    [b"GET / HTTP/1.1\r\n\r\n", bytes(100), b"\x16\x03\x01\x40\x01" + bytes(50), b"\x16\x03\x01\x00\x00" * 40, b"\x80" * 9],
)
@pytest.mark.parametrize("chooses", [False, True])
def test_garbage_instead_of_a_handshake(garbage, chooses):
    made = pair(HOST)
    wire = Wire(server={"certificate": (lambda *_: made) if chooses else made})
    with logged() as lines:
        *alerts, end = wire.server.play(Data(garbage)).events
    assert end == UNAUTHORIZED
    assert wire.said == [UNAUTHORIZED]
    assert lines[0].startswith("[WRN] [tls] Handshake failed (error = 1)")
    assert all(alert.payload[:1] == b"\x15" for alert in alerts)


@given(st.lists(st.binary(max_size=60), max_size=8))
@settings(max_examples=60, deadline=None)
def test_no_bytes_raise_anything(pieces):
    wire = Wire()
    with logged():
        wire.server.play(*[Data(b"\x16\x03\x01" + piece) for piece in pieces]).anything()
        wire.client.play(Data(b"x")).anything()
        wire.way.reply(*[Data(b"\x16\x03\x03" + piece) for piece in pieces]).anything()


@given(streams())
@settings(max_examples=40, deadline=None)
def test_keeps_the_filter_contract(events):
    with logged():
        check_filter((AcceptTLS, target("inside", []), options(accept, "acceptTLS", {"certificate": pair(HOST)})), events)
        # what it says comes back to it, which is no way to talk to a client
        output = check_filter((ConnectTLS, target("way", []), options(connect, "connectTLS", {})), events)
    assert not events or output in ([UNAUTHORIZED], [events[0]])


@given(st.data())
@settings(max_examples=60, deadline=None)
def test_damaged_records_end_the_stream(data):
    wire = Wire()
    wire.say(Data(b"x"))
    sent = len(wire.way.fed)
    wire.client.play(Data(b"y" * 100)).expect()
    record = bytearray(wire.way.fed[sent].payload)
    at = data.draw(st.integers(0, len(record) - 1))
    record[at] ^= data.draw(st.integers(1, 255))
    with logged() as lines:
        events = wire.server.play(Data(bytes(record)), EOS).events
    assert wire.said[0] == Data(b"x"), "nothing of it is let in"
    assert events[-1:] in ([StreamEnd(Failure.READ_ERROR)], [])  # a length that grew makes it wait for the rest
    assert not lines or lines[0].startswith("[WRN] [tls] Read failed (error = 1)")


def test_nothing_is_left_unsent():
    wire = Wire().say(Data(b"x"))
    engine = wire.server.pipeline._filters[0]._engine
    for _ in range(50):
        wire.say(Data(b"y" * 40_000))
        wire.answer(Data(b"z" * 40_000))
    assert engine.take() == b""


def test_a_flood_of_tiny_records():
    wire = Wire().say(Data(b"x"))
    connection = wire.client.pipeline._filters[0]._engine
    flood = b"".join(connection.send(b"y") for _ in range(5000))
    assert wire.server.play(Data(flood)).events == []
    assert wire.inside.fed == [FLUSH, Data(b"x"), Data(b"y" * 5000)], "they go on as one"


def test_renegotiation_is_refused():
    wire = Wire()
    context = SSL.Context(SSL.TLS_CLIENT_METHOD)
    context.set_max_proto_version(SSL.TLS1_2_VERSION)
    client = SSL.Connection(context)
    client.set_connect_state()

    def carry(act):
        for _ in range(4):
            try:
                act()
            except SSL.WantReadError:
                for event in wire.server.play(Data(client.bio_read(65536))).events:
                    client.bio_write(event.payload)
            else:
                return True
        return False

    assert carry(client.do_handshake)
    client.renegotiate()
    with pytest.raises(SSL.Error, match="no renegotiation"):
        carry(client.do_handshake)
    assert client.total_renegotiations() == 1, "it was tried"
