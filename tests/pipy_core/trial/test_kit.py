"""The test kit as scripts' authors use it: what can be driven, played and asserted, in JavaScript."""

from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from pipy_core.trial.runner import run_texts

PROXY = """
pipy({ _target: 'localhost:8080', _count: 0 })
  .listen(8000)
  .demuxHTTP('request')
  .pipeline('request')
  .handleMessageStart(() => _count++)
  .muxHTTP('upstream', () => _target)
  .pipeline('upstream')
  .connect(() => _target)
"""
SERVER = """
pipy()
  .listen(8000)
  .serveHTTP(request => new Message({ status: 200, headers: { 'x-path': request.head.path } }, request.body))
"""
ECHO = "pipy().listen(7000).dummy().pipeline('up').replaceData(data => data)"


@pytest.fixture(scope="module")
def certificate():
    """Files with a certificate for localhost, and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    built = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .sign(key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    private = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    return [("cert.pem", built.public_bytes(pem).decode()), ("key.pem", private.decode())]


class TestPorts:
    def test_a_request_to_a_port(self, passes):
        passes(
            SERVER,
            """
            const response = await t.port(8000).request({ method: 'POST', path: '/a?b' }, 'body')
            t.equal(response.head.status, 200)
            t.equal(response.head.statusText, 'OK')
            t.equal(response.head.headers['x-path'], '/a?b')
            t.equal(response.body.toString(), 'body')
            """,
        )

    def test_a_request_as_a_message(self, passes):
        passes(
            SERVER,
            """
            const response = await t.port().request(new Message({ method: 'PUT', path: '/m' }, 'text'))
            t.equal([response.head.headers['x-path'], response.body.toString()], ['/m', 'text'])
            """,
        )

    def test_what_a_request_says_of_itself(self, passes):
        passes(
            "pipy().listen(8000).serveHTTP(r => new Message(JSON.stringify([r.head.method, r.head.path, r.head.headers.host])))",
            """
            const response = await t.port().request()
            t.equal(JSON.parse(response.body.toString()), ['GET', '/', 'localhost:8000'])
            """,
        )

    def test_a_response_without_a_body_has_an_empty_one(self, passes):
        passes(SERVER, "t.equal((await t.port().request()).body.size, 0)")

    def test_head_has_no_body_whatever_its_length_says(self, passes):
        passes(
            "pipy().listen(8000).serveHTTP(() => new Message('12345'))",
            """
            const response = await t.port().request({ method: 'HEAD' })
            t.equal(response.head.headers['content-length'], '5')
            t.equal(response.body.size, 0)
            """,
        )

    def test_requests_over_one_connection(self, passes):
        passes(
            SERVER,
            """
            const c = t.port(8000).open()
            const [a, b] = await Promise.all([c.request({ path: '/a' }), c.request({ path: '/b' })])
            t.equal([a, b].map(r => r.head.headers['x-path']), ['/a', '/b'])
            t.equal(c.closed, false)
            t.equal((await c.request({ path: '/c', headers: { connection: 'close' } })).head.headers['x-path'], '/c')
            t.equal(c.closed, true)
            """,
        )

    def test_bytes(self, passes):
        passes(
            "pipy().listen(7000).replaceData(data => new Data(data.toString().toUpperCase())).handleStreamEnd(() => console.log('end'))",
            """
            const c = t.port(7000).open()
            await c.send('one')
            t.equal(c.received.toString(), 'ONE')
            await c.send(new Data(' two'))
            t.equal(c.received.toString(), 'ONE TWO')
            t.equal(c.closed, false)
            await c.end()
            t.equal(c.closed, true)
            t.equal(c.error, '')
            t.logged('end')
            """,
        )

    def test_what_the_script_sees_of_the_client(self, passes):
        passes(
            "pipy().listen('127.0.0.1:8000').serveHTTP(() => new Message(JSON.stringify(__inbound)))",
            """
            const c = t.port('127.0.0.1:8000').open({ remoteAddress: '10.0.0.1', remotePort: 4711, localAddress: '10.0.0.2' })
            const inbound = JSON.parse((await c.request()).body.toString())
            t.equal([inbound.remoteAddress, inbound.remotePort], ['10.0.0.1', 4711])
            t.equal([inbound.localAddress, inbound.localPort], ['10.0.0.2', 8000])
            """,
        )

    def test_a_client_that_goes_away(self, passes):
        passes(
            "pipy().listen(7000).handleStreamEnd(() => console.log('end')).dummy()",
            """
            const c = t.port().open()
            await c.send('x')
            await c.abort()
            t.ok(c.closed)
            await t.throws(c.send('y'), 'closed')
            """,
        )

    def test_the_read_timeout_of_a_port(self, passes):
        passes(
            "pipy().listen(7000, { readTimeout: 5 }).handleStreamEnd(end => console.log('ended by ' + end.error)).dummy()",
            """
            const c = t.port().open()
            await c.send('x')
            await t.advance(4)
            t.ok(!c.closed)
            await t.advance(1)
            t.ok(c.closed)
            t.logged('ended by ReadTimeout')
            """,
        )

    def test_a_connection_that_ends_without_a_response(self, fails):
        (problem,) = fails("pipy().listen(1).replaceStreamStart(() => new StreamEnd())", "await t.port().request()")
        assert problem.text == "Error: the connection was closed without a response"
        assert problem.place.line == 2

    def test_a_connection_that_ends_within_a_response(self, fails):
        half = "'HTTP/1.1 200 OK\\r\\ncontent-length: 5\\r\\n\\r\\n123'"
        script = f"pipy().listen(1).replaceData(() => [new Data({half}), new StreamEnd()])"
        (problem,) = fails(script, "await t.port().request()")
        assert problem.text == "Error: the connection was closed in the middle of the response"

    def test_a_response_that_ends_with_the_connection(self, passes):
        script = "pipy().listen(1).replaceData(() => [new Data('HTTP/1.0 200 OK\\r\\n\\r\\nall'), new StreamEnd()])"
        passes(script, "t.equal((await t.port().request()).body.toString(), 'all')")

    def test_what_is_no_response(self, fails):
        (problem,) = fails("pipy().listen(1).replaceData(() => new Data('hello\\r\\n\\r\\n'))", "await t.port().request()")
        assert problem.text == "Error: what came is no HTTP: a response begins with 'hello'"

    @pytest.mark.parametrize(
        ("address", "message"),
        [
            ("8001", "NotThere"),
            ("'nowhere'", "no port is called 'nowhere'"),
            ("'1.2.3.4:8000'", "the script does not listen on '1.2.3.4:8000': 8000 at 0.0.0.0, 9000 at 0.0.0.0"),
            ("", "the script does not listen on one port only"),
        ],
    )
    def test_ports_that_are_not_there(self, fails, address, message):
        (problem,) = fails("pipy().listen(8000).dummy().listen(9000).dummy()", f"await t.port({address}).request()")
        assert message.replace("NotThere", "the script does not listen on 8001") in problem.text

    def test_options_that_are_not_there(self, fails):
        first, *_ = fails(ECHO, "const c = t.port().open({ remote: 1 }); await t.advance(0)")
        assert first.text == "TypeError: there is no option remote; there are remoteAddress, remotePort, localAddress"


class TestUpstreams:
    def test_a_function_answers(self, passes):
        passes(
            PROXY,
            """
            const up = t.upstream('localhost:8080', req => new Message({ status: 201, headers: { 'x-a': 1 } }, 'got ' + req.body.toString()))
            const response = await t.port(8000).request({ method: 'POST', path: '/x' }, 'it')
            t.equal([response.head.status, response.head.headers['x-a'], response.body.toString()], [201, '1', 'got it'])
            t.equal(up.requests.length, 1)
            t.equal(up.connections, 1)
            t.equal([up.requests[0].head.method, up.requests[0].head.path, up.requests[0].body.toString()], ['POST', '/x', 'it'])
            t.match(up.received, 'POST /x HTTP/1.1')
            """,
        )

    def test_an_asynchronous_function_answers(self, passes):
        passes(
            PROXY,
            """
            t.upstream('localhost:8080', async () => (await t.advance(2), 'late'))
            t.equal((await t.port(8000).request()).body.toString(), 'late')
            t.equal(Date.now(), Date.UTC(2025, 0, 1, 0, 0, 2))
            """,
        )

    @pytest.mark.parametrize(
        "answer", ["'text'", "new Data('text')", "new Message('text')", "() => 'text'", "() => new Data('text')"]
    )
    def test_what_can_be_an_answer(self, passes, answer):
        passes(
            PROXY,
            f"t.upstream('localhost:8080', {answer}); const r = await t.port(8000).request(); t.equal([r.head.status, r.body.toString()], [200, 'text'])",
        )

    def test_an_answer_that_is_none(self, fails):
        problems = fails(PROXY, "t.upstream('localhost:8080', () => 5); await t.port(8000).request()")
        assert problems[0].text == "an upstream answers with a Message, text or Data, not with 5"

    def test_an_answer_that_cannot_be_sent(self, fails):
        problems = fails(PROXY, "t.upstream('localhost:8080', new Message({ status: 'good' })); await t.port(8000).request()")
        assert problems[1].text == "localhost:8080 cannot answer: the status of a response is 'good'"

    def test_a_constant_answer_that_is_none(self, fails):
        (problem,) = fails(PROXY, "t.upstream('localhost:8080', 5)")
        assert problem.text == "Error: an HTTP upstream answers with a Message, text or Data"
        assert problem.place.line == 2

    def test_a_function_that_throws(self, fails):
        problems = fails(PROXY, "t.upstream('localhost:8080', () => {\n throw new Error('oops') })\nawait t.port(8000).request()")
        assert problems[0].text == "Error: oops"
        assert problems[0].place.line == 3

    def test_an_assertion_in_a_function_that_answers(self, fails):
        problems = fails(
            PROXY, "t.upstream('localhost:8080', req => (t.equal(req.head.path, '/b'), 'x'))\nawait t.port(8000).request()"
        )
        assert problems[0].text == "not equal"
        assert (problems[0].given, problems[0].expected) == ('"/"', '"/b"')

    def test_one_that_never_answers(self, fails):
        (problem,) = fails(PROXY, "t.upstream('localhost:8080')\nawait t.port(8000).request({ path: '/x' })")
        waiting = "the test waits for the response to GET /x, and nothing more happens"
        assert problem.text == f"{waiting}; the next timer goes off in 15 s: await t.advance(15)"
        assert problem.place.line == 3

    def test_one_that_refuses(self, passes):
        passes(PROXY, "t.upstream('localhost:8080', { refuse: true }); t.equal((await t.port(8000).request()).head.status, 502)")

    def test_one_whose_name_is_unknown(self, passes):
        passes(
            "pipy().listen(1).connect('a.example:80').handleStreamEnd(e => console.log(e.error))",
            "t.upstream('a.example:80', { refuse: 'CannotResolve' }); await t.port().open().send('x'); t.logged('CannotResolve')",
        )

    def test_one_that_nobody_described(self, fails):
        (problem,) = fails(PROXY, "t.upstream('localhost:9', 'x'); await t.port(8000).request()")
        assert (
            problem.text
            == "the script connects to localhost:8080, an upstream that the test does not describe; it knows localhost:9"
        )

    def test_one_that_takes_its_time(self, passes):
        passes(
            PROXY,
            """
            t.upstream('localhost:8080', 'x', { delay: 3 })
            let response
            const pending = t.port(8000).request().then(r => { response = r })
            await t.advance(2.9)
            t.equal(response, undefined)
            await t.advance(0.1)
            await pending
            t.equal(response.head.status, 200)
            """,
        )

    def test_waiting_for_one_that_takes_its_time(self, fails):
        (problem,) = fails(PROXY, "t.upstream('localhost:8080', 'x', { delay: 3 }); await t.port(8000).request()")
        assert "the next timer goes off in 3 s: await t.advance(3)" in problem.text

    @pytest.mark.parametrize(("delay", "error"), [("5", ""), ("Infinity", "ConnectionTimeout")])
    def test_one_that_is_slow_to_connect(self, passes, delay, error):
        passes(
            "pipy().listen(1).connect('a:1', { connectTimeout: 10 }).handleStreamEnd(e => console.log('error: ' + e.error + '.'))",
            f"""
            const up = t.tcp('a:1', 'hello', {{ connectDelay: {delay} }})
            const c = t.port().open()
            await c.send('x')
            t.equal(up.connections, 0)
            await t.advance(10)
            t.equal(c.received.toString(), '{"" if error else "hello"}')
            t.equal(c.error, '{error}')
            """,
        )

    def test_retries(self, passes):
        passes(
            "pipy().listen(1).connect('a:1', { retryCount: 2, retryDelay: 1 })",
            """
            t.upstream('a:1', { refuse: true })
            const c = t.port().open()
            await c.send('x')
            await t.advance(1)
            t.logged('retry connecting... (retries = 1)')
            const up = t.tcp('a:1', 'there')
            t.equal(c.received.size, 0)
            await t.advance(1)
            t.equal(c.error, 'ConnectionRefused')
            """,
        )

    def test_the_read_timeout_of_a_connection(self, passes):
        passes(
            "pipy().listen(1).connect('a:1', { readTimeout: 3 })",
            "t.tcp('a:1'); const c = t.port().open(); await c.send('x'); await t.advance(3); t.equal(c.error, 'ReadTimeout')",
        )

    def test_one_that_breaks_off(self, passes):
        passes(
            PROXY,
            """
            t.upstream('localhost:8080', new Message('0123456789'), { closeAfter: 45 })
            const response = await t.port(8000).request()
            t.equal(response.head.status, 502)
            """,
        )

    def test_bytes(self, passes):
        passes(
            "pipy().listen(1).connect('a:1')",
            """
            const up = t.tcp('a:1', (data) => '<' + data.toString() + '>', { greeting: 'hello ' })
            const c = t.port().open()
            await c.send('one')
            t.equal(c.received.toString(), 'hello <one>')
            await up.send(' more')
            t.equal(c.received.toString(), 'hello <one> more')
            t.equal(up.received.toString(), 'one')
            await up.close()
            t.ok(c.closed)
            t.equal(c.error, '')
            """,
        )

    def test_an_answer_of_nothing_to_bytes(self, passes):
        passes(
            "pipy().listen(1).connect('a:1')",
            """
            t.tcp('a:1', data => data.toString() === 'ping' ? 'pong' : null)
            const c = t.port().open()
            await c.send('hm')
            await c.send('ping')
            t.equal(c.received.toString(), 'pong')
            """,
        )

    def test_a_reset(self, passes):
        passes(
            "pipy().listen(1).connect('a:1')",
            "const up = t.tcp('a:1'); const c = t.port().open(); await c.send('x'); await up.reset(); t.equal(c.error, 'ReadError')",
        )

    def test_what_is_no_http(self, fails):
        problems = fails(
            "pipy().listen(1).connect('a:1')", "t.upstream('a:1', 'x'); await t.port().open().send('hello\\r\\n\\r\\n')"
        )
        assert [problem.text for problem in problems] == ["what a:1 got is no HTTP: a request begins with 'hello'"]

    @pytest.mark.parametrize("options", ["{ refuse: 'Nonsense' }", "{ delay: -1 }", "{ dellay: 1 }", "{ closeAfter: 'x' }"])
    def test_wrong_options(self, fails, options):
        (problem,) = fails(PROXY, f"t.upstream('localhost:8080', 'x', {options})")
        assert problem.place.line == 2

    def test_a_port_of_the_script_itself(self, passes):
        passes(
            "pipy().listen(1).connect('a:2').listen(2).replaceData(d => new Data('<' + d.toString() + '>')).handleStreamEnd(() => console.log('2 ended'))",
            """
            const up = t.tcp('a:2', t.port(2))
            const c = t.port(1).open()
            await c.send('x')
            await c.send('y')
            t.equal(c.received.toString(), '<x><y>')
            t.equal(up.received.toString(), 'xy')
            await c.end()
            t.logged('2 ended')
            t.ok(c.closed)
            """,
        )

    def test_tls_by_way_of_a_port(self, passes, certificate):
        passes(
            """
            (options => pipy()
              .listen(1).connectTLS('out', { sni: 'localhost', trusted: [options.cert] })
              .listen(2).acceptTLS('in', { certificate: options })
              .pipeline('out').connect('localhost:2')
              .pipeline('in').serveHTTP(request => new Message('secret ' + request.head.path))
            )({ cert: new crypto.Certificate(pipy.load('cert.pem')), key: new crypto.PrivateKey(pipy.load('key.pem')) })
            """,
            """
            const up = t.tcp('localhost:2', t.port(2))
            t.equal((await t.port(1).request({ path: '/x' })).body.toString(), 'secret /x')
            t.ok(up.received.size > 100)
            t.ok(!up.received.toString('hex').includes(new Data('GET /x').toString('hex')))
            """,
            certificate,
        )

    def test_a_port_that_ends_the_connection(self, passes):
        passes(
            "pipy().listen(1).connect('a:2').listen(2).replaceData(() => [new Data('bye'), new StreamEnd()])",
            "t.upstream('a:2', t.port(2)); const c = t.port(1).open(); await c.send('x'); t.equal(c.received.toString(), 'bye'); t.ok(c.closed)",
        )

    def test_another_one_in_its_place(self, passes):
        passes(
            PROXY,
            """
            t.upstream('localhost:8080', 'old', { closeAfter: 0 })
            t.equal((await t.port(8000).request()).head.status, 502)
            t.upstream('localhost:8080', 'new')
            t.equal((await t.port(8000).request()).body.toString(), 'new')
            """,
        )


class TestPipelines:
    SCRIPT = """
    pipy({ _target: '', _seen: 0, _thing: null })
      .pipeline('tell')
      .handleMessageStart(msg => (_seen++, msg.head.target = _target))
      .replaceMessageBody(body => new Data('<' + body.toString() + '>'))
      .pipeline('bytes')
      .replaceData(data => new Data(data.toString() + _thing?.name))
    """

    def test_events_in_and_out(self, passes):
        passes(
            self.SCRIPT,
            """
            const p = t.pipeline('tell', { _target: 'x' })
            await p.send(new MessageStart({ path: '/' }), 'a', new Data('b'), new MessageEnd())
            const [start, data, end] = p.output
            t.equal(start, new MessageStart({ path: '/', target: 'x' }))
            t.equal(data, new Data('<ab>'))
            t.ok(end instanceof MessageEnd)
            t.equal(p.take().length, 3)
            t.equal(p.take(), [])
            t.equal(p.variable('_seen'), 1)
            t.equal(p.closed, false)
            await p.end()
            t.equal(p.closed, true)
            t.equal(p.error, '')
            t.ok(p.take()[0] instanceof StreamEnd)
            """,
        )

    def test_messages(self, passes):
        passes(
            self.SCRIPT,
            """
            const p = t.pipeline('tell', { _target: 'y' })
            const answer = await p.request({ n: 1 }, 'one')
            t.equal(answer, new Message({ n: 1, target: 'y' }, '<one>'))
            await p.send(new Message({ n: 2 }, 'two'))
            t.equal(p.messages.map(m => m.body.toString()), ['<one>', '<two>'])
            """,
        )

    def test_variables_keep_their_identity(self, passes):
        passes(
            self.SCRIPT,
            """
            const thing = { name: '!' }
            const p = t.pipeline('bytes', { _thing: thing })
            await p.send('hey')
            t.equal(p.output, [new Data('hey!')])
            t.ok(p.variable('_thing') === thing)
            """,
        )

    def test_a_pipeline_of_another_module(self, passes):
        passes(
            "pipy().listen(1).use('plugins/a.js', 'in')",
            """
            const p = t.pipeline('in', { _name: 'A' }, { module: 'plugins/a.js', remoteAddress: '10.1.2.3' })
            await p.send('x')
            t.equal(p.output, [new Data('A at 10.1.2.3')])
            """,
            [
                (
                    "plugins/a.js",
                    "pipy({ _name: '' }).pipeline('in').replaceData(() => new Data(_name + ' at ' + __inbound.remoteAddress))",
                )
            ],
        )

    @pytest.mark.parametrize(
        ("body", "message"),
        [
            ("t.pipeline('nope'); await t.advance(0)", "/example.js has no pipeline 'nope': 'tell', 'bytes'"),
            ("t.pipeline('tell', { _x: 1 }); await t.advance(0)", "ReferenceError: /example.js has no variable _x"),
            ("t.pipeline('tell', {}, { module: 'b.js' }); await t.advance(0)", "the script has no module 'b.js': /example.js"),
            ("const p = t.pipeline('tell'); await p.send({})", "expected events, Messages or strings"),
            ("t.pipeline('tell').variable('_seen')", "await something first"),
        ],
    )
    def test_mistakes(self, fails, body, message):
        assert message in fails(self.SCRIPT, body)[0].text


class TestTime:
    def test_the_clock_of_the_script_is_that_of_the_test(self, passes):
        passes(
            "pipy({ _at: 0 }).listen(1).serveHTTP(() => new Message(JSON.stringify([Date.now(), new Date().getFullYear()])))",
            """
            const ask = async () => JSON.parse((await t.port().request()).body.toString())
            t.equal(await ask(), [Date.UTC(2025, 0, 1), 2025])
            await t.advance(1.5)
            t.equal((await ask())[0], Date.UTC(2025, 0, 1) + 1500)
            t.setDate('2030-05-06T07:08:09Z')
            t.equal(await ask(), [Date.UTC(2030, 4, 6, 7, 8, 9), 2030])
            t.ok(new Date() instanceof Date)
            t.equal(new Date(0).toISOString(), '1970-01-01T00:00:00.000Z')
            t.equal(typeof Date(), 'string')
            """,
        )

    def test_filters_go_by_it_too(self, passes):
        passes(
            "pipy().pipeline('p').throttleMessageRate(1)",
            """
            const p = t.pipeline('p')
            await p.send(new Message('one'), new Message('two'))
            await t.advance(0.9)
            t.equal(p.messages.length, 0)
            await t.advance(0.1)
            t.equal(p.messages.length, 1)
            await t.advance(1)
            t.equal(p.messages.length, 2)
            """,
        )

    @pytest.mark.parametrize("seconds", ["-1", "'5s'", ""])
    def test_time_goes_forward_only(self, fails, seconds):
        (problem,) = fails(ECHO, f"await t.advance({seconds})")
        assert "expects seconds from 0 on" in problem.text

    def test_tasks(self, passes):
        passes(
            """
            pipy()
              .task('5s').handleMessageStart(() => console.log('tick')).replaceMessage(() => new StreamEnd)
              .task().handleMessageStart(() => console.log('once')).replaceMessage(() => new StreamEnd)
            """,
            """
            const count = text => t.log.filter(line => line.includes(text)).length
            await t.advance(100)
            t.equal([count('tick'), count('once')], [0, 0])
            await t.task('5s').run()
            t.equal(count('tick'), 1)
            await t.task(2).run()
            t.equal(count('once'), 1)
            await t.task(1).start()
            t.equal(count('tick'), 2)
            await t.advance(11)
            t.equal(count('tick'), 4)
            """,
        )

    def test_tasks_that_are_not_there(self, fails):
        (problem,) = fails("pipy().task('5s').dummy()", "await t.task('6s').run()")
        assert "the script has no task '6s': Task #1 (5s)" in problem.text


class TestAround:
    def test_programs(self, passes):
        passes(
            "pipy().listen(1).exec('sort -r')",
            """
            const sort = t.exec('sort', input => input.toString().split('').reverse().join(''))
            const c = t.port().open()
            await c.send('abc')
            await c.end()
            t.equal(c.received.toString(), 'cba')
            t.equal(sort.runs.length, 1)
            t.equal(sort.runs[0].arguments, ['sort', '-r'])
            t.equal(sort.runs[0].input, new Data('abc'))
            """,
        )

    def test_a_program_that_nobody_described(self, fails):
        problems = fails("pipy().listen(1).exec('sort -r')", "await t.port().open().send('x')")
        assert problems[0].text == "the script runs 'sort -r', a program that the test does not describe"

    def test_files(self, passes):
        script = (
            "((config) => pipy().listen(config.port).serveHTTP(new Message(config.text)))(JSON.decode(pipy.load('config.json')))"
        )
        passes(
            script,
            "t.file('config.json', { port: 9, text: 'mine' }); t.equal((await t.port(9).request()).body.toString(), 'mine')",
            [("config.json", '{ "port": 8, "text": "theirs" }')],
        )

    def test_files_come_before_the_script(self, fails):
        (problem,) = fails(ECHO, "await t.load(); t.file('a', '')")
        assert "the script is loaded already" in problem.text

    @pytest.mark.parametrize("call", ["t.file(5, 'x')", "t.file('a')", "t.file('a', () => {})"])
    def test_files_that_are_none(self, fails, call):
        (problem,) = fails(ECHO, call)
        assert problem.text.startswith("TypeError: ")

    def test_each_test_gets_a_fresh_script(self, registry):
        script = "((n) => pipy().listen(1).serveHTTP(() => new Message('' + n++)))(0)"
        body = "async t => { for (const n of '01') t.equal((await t.port().request()).body.toString(), n) }"
        results = run_texts(registry, script, f"test('a', {body})\ntest('b', {body})")
        assert [result.outcome for result in results] == ["passed", "passed"]

    def test_exit(self, passes):
        passes(
            "pipy().listen(1).handleData(() => pipy.exit(3))",
            "t.equal(t.exitCode, null); await t.port().open().send('x'); t.equal(t.exitCode, 3)",
        )

    def test_a_script_that_must_not_load(self, passes):
        passes("pipy().listen(1).link('nowhere')", "await t.throws(t.load(), 'pipeline not found: nowhere')")
