#!/usr/bin/env python3
"""Black-box conformance runner.  Python 3.11, standard library only.

    run.py --pipy 'CMD' [--jobs N] [--only PATTERN] [--junit FILE] [--record] [--keep] PATH...

See README.md for the case format.
"""
import argparse, concurrent.futures, difflib, fnmatch, hashlib, json, os, random, re, shlex
import shutil, signal, socket, ssl, struct, subprocess, sys, tempfile, threading, time
import xml.sax.saxutils as sax

STEP_TIMEOUT = 30.0       # one receive / wait step
START_TIMEOUT = 60.0      # until the program listens on all of its ports
CASE_TIMEOUT = 300.0      # whole case
GAP = 0.2                 # between pieces that the program is to read one by one, after it has read the one before
READ_TIMEOUT = 5.0        # for that; some programs leave it in the socket
CALLER_DIR = os.getcwd()


class CaseError(Exception):
    pass


# --------------------------------------------------------------------------- text <-> bytes

_ESC = {'n': b'\n', 'r': b'\r', 't': b'\t', '0': b'\0', '"': b'"', '\\': b'\\'}


def unquote(lit):
    """Content of a "..." literal (without the quotes) -> bytes."""
    out, i = bytearray(), 0
    while i < len(lit):
        c = lit[i]
        if c == '\\' and i + 1 < len(lit):
            d = lit[i + 1]
            if d == 'x':
                out.append(int(lit[i + 2:i + 4], 16))
                i += 4
                continue
            if d in _ESC:
                out += _ESC[d]
                i += 2
                continue
            raise CaseError('bad escape \\%s' % d)
        out += c.encode('utf-8')
        i += 1
    return bytes(out)


def quote(data):
    out = []
    for b in data:
        if b == 10: out.append('\\n')
        elif b == 13: out.append('\\r')
        elif b == 9: out.append('\\t')
        elif b == 34: out.append('\\"')
        elif b == 92: out.append('\\\\')
        elif 32 <= b < 127: out.append(chr(b))
        else: out.append('\\x%02x' % b)
    return '"' + ''.join(out) + '"'


def quote_lines(data):
    """Bytes as a list of quoted literals, one per line of text; long data as length and digest."""
    if len(data) > 3000:
        return ['%d bytes, sha256 %s' % (len(data), hashlib.sha256(data).hexdigest())]
    if not data:
        return ['""']
    return [quote(p) for p in re.findall(rb'[^\n]*\n|[^\n]+', data)]


# "..." with an optional repeat count:  "abc"*100 ; words ; key=value ; key="..."
_TOK = re.compile(r'\s*(?:([A-Za-z_][\w-]*)=)?(?:"((?:[^"\\]|\\.)*)"(?:\*(\d+))?|([^\s"]+))')


def tokens(line):
    """-> list of (key or None, value); quoted values are bytes, others are str."""
    pos, out = 0, []
    line = line.rstrip()
    while pos < len(line):
        m = _TOK.match(line, pos)
        if not m:
            raise CaseError('cannot parse: ' + line[pos:])
        pos = m.end()
        key, q, rep, word = m.groups()
        if q is not None:
            v = unquote(q) * (int(rep) if rep else 1)
        else:
            v = word
        out.append((key, v))
    return out


def text(v):
    return v.decode('utf-8') if isinstance(v, bytes) else v


# --------------------------------------------------------------------------- case files

class Case:
    def __init__(self, path, name):
        self.path, self.name = path, name
        self.doc, self.args, self.env, self.certs = '', '', {}, []
        self.ignore = set()
        self.files, self.backends = [], []          # (name, text), (name, kind, opts, lines)
        self.run = True                             # start main.js before the steps
        self.wait = None                            # ports to wait for (default: found in scripts)
        self.timeout = CASE_TIMEOUT
        self.steps = []                             # [ [line, [expected...], lineno] ]
        with open(path, encoding='utf-8') as f:
            self.lines = f.read().split('\n')
        self.parse()

    def parse(self):
        mode, cur = 'head', None
        for no, line in enumerate(self.lines, 1):
            if line.startswith('--- '):
                w = line[4:].split(None, 1)
                if w[0] == 'file':
                    cur = []
                    self.files.append((w[1].strip(), cur))
                    mode = 'file'
                elif w[0] == 'backend':
                    t = tokens(w[1])
                    opts = {k: v for k, v in t if k}
                    words = [text(v) for k, v in t if not k]
                    cur = []
                    self.backends.append((words[0], words[1], words[2:], opts, cur))
                    mode = 'file'
                elif w[0] == 'steps':
                    self.steps_at = no
                    mode = 'steps'
                else:
                    raise CaseError('%s:%d: unknown section' % (self.path, no))
            elif mode == 'head':
                if not line.strip() or line.startswith('#'):
                    continue
                k, _, v = line.partition(':')
                k, v = k.strip(), v.strip()
                if k == 'doc': self.doc = v
                elif k == 'args': self.args = v
                elif k == 'env':
                    a, _, b = v.partition('=')
                    self.env[a] = b
                elif k == 'certs': self.certs = v.split()
                elif k == 'ignore_headers': self.ignore |= {x.strip().lower() for x in v.split(',')}
                elif k == 'run': self.run = v != 'no'
                elif k == 'wait': self.wait = v.split()
                elif k == 'timeout': self.timeout = float(v)
                else: raise CaseError('%s:%d: unknown key %s' % (self.path, no, k))
            elif mode == 'file':
                cur.append(line)
            else:
                s = line.strip()
                if not s or s.startswith('#'):
                    continue
                if s == '<' or s.startswith('< '):
                    if not self.steps:
                        raise CaseError('%s:%d: expectation before any step' % (self.path, no))
                    self.steps[-1][1].append(s[2:])
                    self.steps[-1][3] = no
                else:
                    self.steps.append([s, [], no, no])

    def rewrite(self, results):
        """results: for each step the list of observed lines, or None (step records nothing)."""
        out = self.lines[:self.steps_at]
        last = self.steps_at
        for (line, exp, no, end), got in zip(self.steps, results):
            out += self.lines[last:no]
            if got is None:
                out += self.lines[no:end]
            else:
                out += [('  < ' + g).rstrip() for g in got]
            last = end
        out += self.lines[last:]
        with open(self.path, 'w', encoding='utf-8') as f:
            f.write('\n'.join(out))


# --------------------------------------------------------------------------- ports

_ports_lock = threading.Lock()
_ports_used = set()


def _port_range():
    """Five digits (so that lengths do not vary), away from the ports the system gives to outgoing connections."""
    try:
        with open('/proc/sys/net/ipv4/ip_local_port_range') as f:
            lo, hi = map(int, f.read().split())
    except (OSError, ValueError):
        return 20000, 31999
    if lo - 10000 >= 3000:
        return 10000, lo - 1
    if 65535 - hi >= 3000:
        return hi + 1, 65535
    return 20000, 31999


_PORTS = _port_range()


def free_port(text):
    """One that does not stand in the text: what is no port is not to be shown as one."""
    with _ports_lock:
        for _ in range(2000):
            p = random.randint(*_PORTS)
            if p in _ports_used or str(p) in text:
                continue
            s = socket.socket()
            try:
                s.bind(('0.0.0.0', p))
            except OSError:
                continue
            finally:
                s.close()
            _ports_used.add(p)
            return p
    raise CaseError('no free port')


def tcp_table():
    """What the system knows of TCP, without a word to anybody: (local port, remote port): (state, (to be sent, unread)) in bytes.

    None where /proc is not there."""
    table = {}
    try:
        for fn in ('/proc/net/tcp', '/proc/net/tcp6'):
            if not os.path.exists(fn):
                continue
            with open(fn) as f:
                next(f)
                for l in f:
                    w = l.split()
                    ends = tuple(int(x.rsplit(':', 1)[1], 16) for x in w[1:3])
                    table[ends] = w[3], [int(x, 16) for x in w[4].split(':')]
    except (OSError, StopIteration):
        pass
    if not table and not os.path.exists('/proc/net/tcp'):
        return None
    return table


def listening_ports():
    """Ports in LISTEN state, without connecting to them (None where /proc is not there)."""
    table = tcp_table()
    return None if table is None else {local for (local, _), (state, _) in table.items() if state == '0A'}


def program_ends(mine):
    """The ends of connections that the program has, as (state, bytes not yet read, bytes on their way to it).

    mine(local port, remote port): whether it is the other end of one of ours."""
    table = tcp_table() or {}
    return [(state, unread, table.get((remote, local), ('', (0, 0)))[1][0])
            for (local, remote), (state, (_, unread)) in table.items() if mine(local, remote)]


def wait_until_read(sock, limit):
    """Until the program has read what was sent to it: pieces that it is to read one by one must not wait together."""
    try:
        ends = sock.getpeername()[1], sock.getsockname()[1]
    except OSError:
        return
    while time.monotonic() < limit and any(u or o for _, u, o in program_ends(lambda *x: x == ends)):
        time.sleep(0.005)


def wait_until_closed(mine, limit):
    """Until the program has closed its ends of connections, which are closed here."""
    while time.monotonic() < limit and any(s in ('01', '08') for s, _, _ in program_ends(mine)):
        time.sleep(0.005)


def accepts(port):
    try:
        socket.create_connection(('127.0.0.1', port), 1).close()
        return True
    except OSError:
        return False


# --------------------------------------------------------------------------- certificates

_cert_lock = threading.Lock()
_cert_dir = None


def cert_store():
    """Makes ca + any certificate asked for once per run, with the openssl command."""
    global _cert_dir
    if _cert_dir is None:
        _cert_dir = tempfile.mkdtemp(prefix='conf-certs-')
        _openssl('req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '30', '-subj', '/CN=Test CA',
                 '-keyout', _cert_dir + '/ca-key.pem', '-out', _cert_dir + '/ca-cert.pem')
    return _cert_dir


def _openssl(*args):
    r = subprocess.run(['openssl'] + list(args), stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    if r.returncode:
        raise CaseError('openssl %s: %s' % (args[0], r.stdout.decode(errors='replace')))


def make_certs(names, dest):
    os.makedirs(dest, exist_ok=True)
    with _cert_lock:
        d = cert_store()
        for n in names:
            if os.path.exists(d + '/%s-cert.pem' % n):
                continue
            k, csr, c, ext = (d + '/%s%s' % (n, x) for x in ('-key.pem', '.csr', '-cert.pem', '.ext'))
            with open(ext, 'w') as f:
                f.write('subjectAltName=DNS:%s,IP:127.0.0.1\n' % n)
            _openssl('genpkey', '-algorithm', 'RSA', '-pkeyopt', 'rsa_keygen_bits:2048', '-out', k)
            _openssl('req', '-new', '-key', k, '-subj', '/CN=' + n, '-out', csr)
            _openssl('x509', '-req', '-in', csr, '-CA', d + '/ca-cert.pem', '-CAkey', d + '/ca-key.pem',
                     '-CAcreateserial', '-days', '30', '-extfile', ext, '-out', c)
            _openssl('pkey', '-in', k, '-pubout', '-out', d + '/%s-pub.pem' % n)
        for fn in os.listdir(d):
            if fn.endswith('.pem'):
                shutil.copy(os.path.join(d, fn), os.path.join(dest, fn))


# --------------------------------------------------------------------------- buffered connection

class Closed(Exception):
    pass


class Timeout(Exception):
    pass


class Stream:
    def __init__(self, sock):
        self.sock, self.buf, self.eof = sock, b'', False
        self.sent = False

    def fill(self, deadline):
        if self.eof:
            raise Closed()
        left = deadline - time.monotonic()
        if left <= 0:
            raise Timeout()
        self.sock.settimeout(left)
        try:
            d = self.sock.recv(65536)
        except (socket.timeout, TimeoutError):
            raise Timeout()
        except OSError:
            d = b''
        if not d:
            self.eof = True
            raise Closed()
        self.buf += d

    def take(self, n, deadline):
        while len(self.buf) < n:
            self.fill(deadline)
        d, self.buf = self.buf[:n], self.buf[n:]
        return d

    def until(self, sep, deadline):
        while sep not in self.buf:
            self.fill(deadline)
        i = self.buf.index(sep) + len(sep)
        d, self.buf = self.buf[:i], self.buf[i:]
        return d

    def read_message(self, deadline, response, head=False):
        """-> (start line, [(name, value)...], body, note)"""
        raw = self.until(b'\r\n\r\n', deadline)
        lines = raw[:-4].split(b'\r\n')
        start = lines[0].decode('latin-1')
        headers = []
        for l in lines[1:]:
            k, _, v = l.partition(b':')
            headers.append((k.decode('latin-1').lower(), v.strip().decode('latin-1')))
        h = dict(headers)
        body, note = b'', None
        status = start.split(' ')[1] if response and ' ' in start else ''
        if head or (response and (status[:1] == '1' or status in ('204', '304'))):
            return start, headers, body, note
        try:
            if 'chunked' in h.get('transfer-encoding', '').lower():
                while True:
                    n = int(self.until(b'\r\n', deadline).split(b';')[0].strip() or b'0', 16)
                    if n == 0:
                        while self.until(b'\r\n', deadline) != b'\r\n':
                            pass
                        break
                    part = b''
                    body += self.take(n, deadline)
                    self.until(b'\r\n', deadline)
            elif 'content-length' in h:
                n = int(h['content-length'])
                while len(self.buf) < n:
                    self.fill(deadline)
                body = self.take(n, deadline)
            elif response:
                try:
                    while True:
                        self.fill(deadline)
                except Closed:
                    pass
                body, self.buf = self.buf, b''
                note = '<body ended by close>'
        except (Closed, Timeout) as e:
            body += self.buf
            self.buf = b''
            note = '<closed inside the body>' if isinstance(e, Closed) else '<body incomplete: timeout>'
        return start, headers, body, note


def show_headers(headers, ignore, env):
    out = []
    for k, v in sorted(headers, key=lambda x: x[0]):
        if k in ignore:
            continue
        out.append('%s: %s' % (k, env.hide(v)))
    return out


# --------------------------------------------------------------------------- backends

class Backend:
    """A server run by the runner.  One thread for accepting, one per connection."""

    def __init__(self, env, name, kind, words, opts, lines):
        self.env, self.name, self.kind, self.opts = env, name, kind, opts
        self.port = env.port(words[0]) if words else 0
        self.lock = threading.Lock()
        self.conns = 0
        self.requests = []                    # (conn, start, headers, body)
        self.data = {}                        # conn -> bytes (raw kinds)
        self.ended = {}                       # conn -> True when the peer closed
        self.socks = []
        self.stop = False
        self.tls = None
        self.script = [env.subst(l.strip()) for l in lines if l.strip() and not l.strip().startswith('#')]
        if 'tls' in opts:
            d = env.dir + '/certs/'
            self.tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            n = text(opts['tls'])
            self.tls.load_cert_chain(d + n + '-cert.pem', d + n + '-key.pem')
            if 'clientca' in opts:
                self.tls.verify_mode = ssl.CERT_REQUIRED
                self.tls.load_verify_locations(d + text(opts['clientca']) + '-cert.pem')
            if 'alpn' in opts:
                self.tls.set_alpn_protocols(text(opts['alpn']).split(','))
            self.sni = None

            def on_sni(sock, name, ctx):
                self.sni = name
            self.tls.sni_callback = on_sni
        self.ls = socket.socket()
        self.ls.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.ls.bind(('127.0.0.1', self.port))
        if kind == 'closed':
            return                            # bound, not listening: connection refused
        self.ls.listen(64)
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while not self.stop:
            try:
                s, _ = self.ls.accept()
            except OSError:
                return
            with self.lock:
                self.conns += 1
                n = self.conns
                self.socks.append(s)
                self.data[n] = b''
            threading.Thread(target=self.serve, args=(s, n), daemon=True).start()

    def serve(self, s, n):
        try:
            s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if self.tls:
                s.settimeout(STEP_TIMEOUT)
                s = self.tls.wrap_socket(s, server_side=True)
                with self.lock:
                    self.socks.append(s)
            st = Stream(s)
            if self.kind == 'http':
                self.serve_http(st, n)
            elif self.kind == 'sink':
                while True:
                    st.fill(time.monotonic() + CASE_TIMEOUT)
                    with self.lock:
                        self.data[n] += st.buf
                    st.buf = b''
            elif self.kind == 'raw':
                self.serve_raw(st, n)
            else:
                raise CaseError('unknown backend kind ' + self.kind)
        except Closed:
            with self.lock:
                self.ended[n] = True
        except (OSError, Timeout, ValueError):
            pass
        finally:
            try:
                s.close()
            except OSError:
                pass

    def serve_http(self, st, n):
        nth = 0
        o = self.opts
        while True:
            start, headers, body, note = st.read_message(time.monotonic() + CASE_TIMEOUT, False)
            if note:
                raise Closed()
            nth += 1
            with self.lock:
                self.requests.append((n, start, headers, body))
                total = len(self.requests)
            if 'delay' in o:
                time.sleep(float(text(o['delay'])))
            method, _, rest = start.partition(' ')
            path, _, proto = rest.rpartition(' ')
            hs = []
            if 'text' in o:
                out = o['text'] if isinstance(o['text'], bytes) else o['text'].encode()
                out = out.replace(b'%p', path.encode('latin-1'))
            elif 'size' in o:
                out = b'0123456789abcdef' * (int(text(o['size'])) // 16)
            else:
                hd = {}
                for k, v in headers:
                    hd[k] = v if k not in hd else hd[k] + ' | ' + v
                out = json.dumps({'backend': self.name, 'conn': n, 'nth': nth, 'method': method, 'path': path,
                                  'protocol': proto, 'headers': hd,
                                  'body': body.decode('latin-1')}, sort_keys=True).encode()
                hs.append(('Content-Type', 'application/json'))
            if 'header' in o:
                for h in text(o['header']).split('|'):
                    k, _, v = h.partition(':')
                    hs.append((k.strip(), v.strip()))
            status = text(o.get('status', '200 OK'))
            close = text(o.get('close', '')) != ''
            if close:
                hs.append(('Connection', 'close'))
            if 'chunked' in o:
                hs.append(('Transfer-Encoding', 'chunked'))
                payload = b''.join(b'%x\r\n%s\r\n' % (len(out[i:i + 5000]), out[i:i + 5000])
                                   for i in range(0, len(out), 5000)) + b'0\r\n\r\n'
            else:
                hs.append(('Content-Length', str(len(out))))
                payload = out
            if method == 'HEAD':
                payload = b''
            head = 'HTTP/1.1 %s\r\n' % status + ''.join('%s: %s\r\n' % h for h in hs) + '\r\n'
            st.sock.settimeout(STEP_TIMEOUT)
            st.sock.sendall(head.encode('latin-1') + payload)
            if close:
                st.sock.close()
                return

    def serve_raw(self, st, n):
        script, i = self.script, 0
        # "[2]" lines start a script for the 2nd connection only
        parts, cur = {0: []}, 0
        for l in script:
            m = re.fullmatch(r'\[(\d+)\]', l)
            if m:
                cur = int(m.group(1))
                parts[cur] = []
            else:
                parts[cur].append(l)
        script = parts.get(n, parts[0])
        far = lambda: time.monotonic() + CASE_TIMEOUT

        def got(d):
            with self.lock:
                self.data[n] += d
        while i < len(script):
            t = tokens(script[i])
            op = text(t[0][1])
            i += 1
            if op == 'read':
                what = t[1][1]
                if what == 'http':
                    start, headers, body, note = st.read_message(far(), False)
                    with self.lock:
                        self.requests.append((n, start, headers, body))
                elif what == 'until':
                    got(st.until(t[2][1], far()))
                elif what == 'close':
                    while True:
                        try:
                            st.fill(far())
                        finally:
                            got(st.buf)
                            st.buf = b''
                else:
                    got(st.take(int(what), far()))
            elif op == 'send':
                for j, (_, v) in enumerate(t[1:]):
                    if j:
                        wait_until_read(st.sock, time.monotonic() + READ_TIMEOUT)
                        time.sleep(GAP)
                    st.sock.settimeout(STEP_TIMEOUT)
                    st.sock.sendall(v if isinstance(v, bytes) else v.encode())
            elif op == 'echo':
                while True:
                    if not st.buf:
                        st.fill(far())
                    d, st.buf = st.buf, b''
                    got(d)
                    st.sock.sendall(d)
            elif op == 'sleep':
                time.sleep(float(t[1][1]))
            elif op == 'close':
                st.sock.close()
                return
            elif op == 'reset':
                st.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack('ii', 1, 0))
                st.sock.close()
                return
            elif op == 'loop':
                i = 0
            else:
                raise CaseError('unknown backend action ' + op)
        while True:                                   # keep the connection until the peer closes
            st.fill(far())
            got(st.buf)
            st.buf = b''

    def show(self, what, ignore):
        env = self.env
        with self.lock:
            reqs, conns, data = list(self.requests), self.conns, dict(self.data)
            ended = dict(self.ended)
        out = []
        if what in ('all', 'count', 'paths', 'data'):
            out.append('connections: %d' % conns)
        if what == 'paths':
            out += ['#%d %s' % (c, env.hide(s)) for c, s, h, b in reqs]
        if what == 'sorted':
            out += sorted(env.hide(s) for c, s, h, b in reqs)
        if what == 'all':
            for c, s, h, b in reqs:
                out.append('#%d %s' % (c, env.hide(s)))
                out += ['   ' + x for x in show_headers(h, ignore, env)]
                if b:
                    out += ['   body ' + x for x in quote_lines(env.hide_bytes(b))]
        if what == 'json':
            for c, s, h, b in reqs:
                out.append('#%d %s' % (c, env.hide(s)))
                try:
                    v = json.loads(env.hide_bytes(b))
                    out += ['   %s = %s' % (k, json.dumps(v[k], sort_keys=True)) for k in sorted(v)]
                except (ValueError, TypeError):
                    out += ['   <not a JSON object>'] + ['   ' + x for x in quote_lines(b)]
        if what == 'data':
            for c in sorted(data):
                out.append('#%d' % c + (' closed by peer' if ended.get(c) else ''))
                out += ['   ' + x for x in quote_lines(env.hide_bytes(data[c]))]
        if what == 'sni':
            out.append('sni: %s' % self.sni)
        return out

    def close(self):
        self.stop = True
        try:
            self.ls.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        self.ls.close()
        with self.lock:
            socks = list(self.socks)
        for s in socks:
            for f in (lambda: s.shutdown(socket.SHUT_RDWR), s.close):
                try:
                    f()
                except OSError:
                    pass


# --------------------------------------------------------------------------- one run of a case

class Run:
    def __init__(self, case, pipy, record):
        self.case, self.pipy, self.record = case, pipy, record
        self.ports, self.backends, self.conns = {}, {}, {}
        self.proc, self.logf = None, None
        self.dir = tempfile.mkdtemp(prefix='conf-')
        self.logname = self.dir + '.log'
        self.deadline = time.monotonic() + case.timeout
        self.mark = time.monotonic()
        self.warnings, self.extra = [], []

    # ---- names
    def port(self, name):
        name = name.strip('${}')
        if name not in self.ports:
            if not re.fullmatch(r'port\d+', name):
                raise CaseError('bad port name ' + name)
            self.ports[name] = free_port('\n'.join(self.case.lines))
        return self.ports[name]

    def subst(self, s):
        s = re.sub(r'\$\{(port\d+)\}', lambda m: str(self.port(m.group(1))), s)
        return s.replace('${dir}', self.dir)

    def hide_bytes(self, b):
        b = b.replace(self.dir.encode(), b'${dir}')
        for n, p in self.ports.items():
            b = re.sub(rb'(?<!\d)%d(?!\d)' % p, b'${%s}' % n.encode(), b)
        return b

    def hide(self, s):
        return self.hide_bytes(s.encode('utf-8', 'surrogateescape')).decode('utf-8', 'surrogateescape')

    # ---- program
    def log(self):
        try:
            with open(self.logname, 'rb') as f:
                return f.read().decode('utf-8', 'replace')
        except OSError:
            return ''

    def start(self, argv):
        env = dict(os.environ)
        env.update({k: self.subst(v) for k, v in self.case.env.items()})
        env['PYTHONUNBUFFERED'] = '1'
        # the program runs in the case's directory: modules and relative paths of the caller still work
        env['PYTHONPATH'] = os.pathsep.join([CALLER_DIR] + [x for x in [os.environ.get('PYTHONPATH')] if x])
        cmd = [os.path.join(CALLER_DIR, w) if os.sep in w and not os.path.isabs(w) and
               os.path.exists(os.path.join(CALLER_DIR, w)) else w for w in shlex.split(self.pipy)]
        self.logf = open(self.logname, 'ab')
        self.proc = subprocess.Popen(cmd + argv, cwd=self.dir, stdin=subprocess.DEVNULL,
                                     stdout=self.logf, stderr=subprocess.STDOUT, env=env, start_new_session=True)

    def wait_ports(self, names):
        limit = min(self.deadline, time.monotonic() + START_TIMEOUT)
        want = {self.port(n) for n in names}
        while time.monotonic() < limit:
            have = listening_ports()
            if have is None:
                ok = all(accepts(p) for p in want)
            else:
                ok = want <= have
            if ok:
                return
            if self.proc.poll() is not None:
                raise CaseError('the program ended with code %d before it listened' % self.code())
            time.sleep(0.02)
        raise CaseError('the program does not listen on %s' % ', '.join(names))

    def code(self):
        c = self.proc.returncode
        return c

    def kill(self):
        while self.extra:
            keep = self.proc, self.logf
            self.proc, self.logf = self.extra.pop()
            self.kill_one()
            self.proc, self.logf = keep
        self.kill_one()

    def kill_one(self):
        p = self.proc
        if p is not None:
            if p.poll() is None:
                try:
                    os.killpg(p.pid, signal.SIGTERM)      # its own session: only what this run started
                    p.wait(1.0)
                except subprocess.TimeoutExpired:
                    pass
                except OSError:
                    pass
            try:
                os.killpg(p.pid, signal.SIGKILL)
            except OSError:
                pass
            try:
                p.wait(5)
            except subprocess.TimeoutExpired:
                pass
        if self.logf:
            self.logf.close()

    # ---- the case
    def setup(self):
        c = self.case
        if c.certs:
            make_certs(c.certs, self.dir + '/certs')
        for name, kind, words, opts, lines in c.backends:
            self.backends[name] = Backend(self, name, kind, words, opts, lines)
        listen = []
        for name, lines in c.files:
            path = os.path.join(self.dir, name.split()[0])
            os.makedirs(os.path.dirname(path), exist_ok=True)
            src = '\n'.join(lines)
            if name.endswith(' hex'):
                data = bytes.fromhex(''.join(src.split()))
            else:
                while src.endswith('\n\n'):
                    src = src[:-1]
                for m in re.finditer(r"listen\(\s*['\"]?[^)'\"$]*\$\{(port\d+)\}", src):
                    if m.group(1) not in listen and name.endswith('.js'):
                        listen.append(m.group(1))
                data = self.subst(src).encode()
            with open(path, 'wb') as f:
                f.write(data)
        if c.run:
            self.start(shlex.split(self.subst(c.args)) + ['main.js'])
            self.wait_ports(c.wait if c.wait is not None else listen)

    def execute(self):
        """-> list of (step, expected, got, message)"""
        results = []
        try:
            self.setup()
            for line, expected, no, end in self.case.steps:
                if time.monotonic() > self.deadline:
                    raise CaseError('case takes longer than %g s' % self.case.timeout)
                try:
                    got = self.step(self.subst_tokens(line), line, expected)
                except (CaseError, OSError, ssl.SSLError, ValueError, KeyError, IndexError) as e:
                    raise CaseError('step at line %d: %s: %s: %s' % (no, line, type(e).__name__, e))
                got = None if got is None else [g.rstrip() for g in got]
                results.append(got)
                if not self.record and got is not None and got != expected:
                    return results, (line, no, expected, got)
            if self.case.run and self.proc and self.proc.poll() is not None and not self.expected_exit:
                raise CaseError('the program ended by itself with code %d' % self.code())
        finally:
            for c in self.conns.values():
                try:
                    c.sock.close()
                except OSError:
                    pass
            self.kill()
            for b in self.backends.values():
                b.close()
        return results, None

    expected_exit = False

    def subst_tokens(self, line):
        return tokens(self.subst(line)) if not re.match(r'(log|nolog)\b', line) else [(None, line.split()[0])]

    def step(self, t, line, expected):
        op = text(t[0][1])
        words = [text(v) for k, v in t[1:] if not k and not isinstance(v, bytes)]
        quoted = [v for k, v in t[1:] if not k and isinstance(v, bytes)]
        opts = {k: text(v) for k, v in t[1:] if k}
        limit = min(self.deadline, time.monotonic() + float(opts.get('timeout', STEP_TIMEOUT)))

        if op == 'open':
            return self.do_open(words, opts)
        if op == 'send':
            c = self.conns[words[0]]
            self.before_send(c)
            try:
                c.sock.settimeout(STEP_TIMEOUT)
                if 'bytewise' in words:
                    for b in b''.join(quoted):
                        c.sock.sendall(bytes([b]))
                        time.sleep(0.002)
                else:
                    for i, q in enumerate(quoted):
                        if i:
                            wait_until_read(c.sock, time.monotonic() + READ_TIMEOUT)
                            time.sleep(float(opts.get('gap', GAP)))
                        c.sock.sendall(q)
            except (BrokenPipeError, ConnectionResetError):
                if 'maybe' not in words:
                    raise
            return None
        if op in ('get', 'post'):
            c = self.conns[words[0]]
            body = b''.join(quoted)
            head = '%s %s HTTP/1.1\r\nHost: h\r\n' % (op.upper(), words[1])
            if op == 'post':
                head += 'Content-Length: %d\r\n' % len(body)
            self.before_send(c)
            c.sock.settimeout(STEP_TIMEOUT)
            c.sock.sendall(head.encode() + b'\r\n' + body)
            return None
        if op == 'recv':
            got = self.recv(self.conns[words[0]], words[1:], opts, limit, None if self.record else expected)
            if got and any('timeout>' in g for g in got):
                self.warnings.append(line + ': ' + [g for g in got if 'timeout>' in g][0])
            return got
        if op == 'requests':
            return self.requests(int(words[0]), words[1], quoted[0], words[2:], limit)
        if op == 'close':
            s = self.conns[words[0]].sock
            if 'done' not in words:
                s.close()
                return None
            ends = s.getpeername()[1], s.getsockname()[1]
            s.close()
            wait_until_closed(lambda *x: x == ends, limit)
            return None
        if op == 'shutdown':
            self.conns[words[0]].sock.shutdown(socket.SHUT_WR)
            return None
        if op == 'reset':
            s = self.conns[words[0]].sock
            s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack('ii', 1, 0))
            s.close()
            return None
        if op == 'sleep':
            time.sleep(float(words[0]))
            return None
        if op == 'mark':
            self.mark = time.monotonic()
            return None
        if op == 'elapsed':
            dt = time.monotonic() - self.mark
            lo, hi = float(words[0]), float(words[1])
            if not lo <= dt <= hi:
                raise CaseError('took %.2f s since mark, expected %g to %g s' % (dt, lo, hi))
            return None
        if op == 'backend':
            b = self.backends[words[0]]
            what = words[1] if len(words) > 1 else 'all'
            if 'requests' in opts:
                n = int(opts['requests'])
                while len(b.requests) < n and time.monotonic() < limit:
                    time.sleep(0.02)
            if 'bytes' in opts:
                n = int(opts['bytes'])
                while sum(map(len, b.data.values())) < n and time.monotonic() < limit:
                    time.sleep(0.02)
            if 'conns' in opts:
                n = int(opts['conns'])
                while b.conns < n and time.monotonic() < limit:
                    time.sleep(0.02)
            got = [x.rstrip() for x in b.show(what, self.case.ignore)]
            while got != expected and not self.record and time.monotonic() < limit:
                time.sleep(0.02)
                got = [x.rstrip() for x in b.show(what, self.case.ignore)]
            return got
        if op == 'stop':
            b = self.backends[words[0]]
            b.close()
            wait_until_closed(lambda local, remote: remote == b.port, limit)
            return None
        if op in ('log', 'nolog'):
            rx = re.compile(self.subst(line.split(None, 1)[1]), re.M)
            if op == 'nolog':
                if rx.search(self.log()):
                    raise CaseError('log has a line that should not be there')
                return None
            while not rx.search(self.log()):
                if time.monotonic() > limit:
                    raise CaseError('no such line in the log after waiting')
                time.sleep(0.02)
            return None
        if op == 'logs':
            # all matches of a pattern (group 1 if there is one), in order; n=N waits for N of them
            rx = re.compile(quoted[0].decode(), re.M)
            n = int(opts.get('n', 0))
            while len(rx.findall(self.log())) < n and time.monotonic() < limit:
                time.sleep(0.02)
            return [self.hide(x if isinstance(x, str) else x[0]) for x in rx.findall(self.log())]
        if op == 'file':
            path = os.path.join(self.dir, words[0])
            while not os.path.exists(path) and time.monotonic() < limit:
                time.sleep(0.02)
            if not os.path.exists(path):
                return ['<no such file>']
            with open(path, 'rb') as f:
                return quote_lines(self.hide_bytes(f.read()))
        if op == 'copy':
            shutil.copy(os.path.join(self.dir, words[0]), os.path.join(self.dir, words[1]))
            return None
        if op == 'signal':
            os.kill(self.proc.pid, getattr(signal, words[0]))
            return None
        if op == 'listen':
            self.wait_ports(words)
            return None
        if op == 'exit':
            self.expected_exit = True
            try:
                self.proc.wait(max(0.1, limit - time.monotonic()))
            except subprocess.TimeoutExpired:
                return ['<still running>']
            return ['code ' + ('0' if self.proc.returncode == 0 else
                               'killed by signal' if self.proc.returncode < 0 else 'not 0')]
        if op == 'run':
            # run the program with the given arguments until it ends; the log is cleared before
            self.kill()
            open(self.logname, 'w').close()
            argv = [text(v) if not k else '%s=%s' % (k, text(v)) for k, v in t[1:]]
            self.start(argv)
            self.expected_exit = True
            try:
                self.proc.wait(max(0.1, min(self.deadline, time.monotonic() + START_TIMEOUT) - time.monotonic()))
            except subprocess.TimeoutExpired:
                return ['<still running>']
            return ['code ' + ('0' if self.proc.returncode == 0 else
                               'killed by signal' if self.proc.returncode < 0 else 'not 0')]
        if op == 'also':
            # one more process of the program, next to the running one
            argv = [text(v) if not k else '%s=%s' % (k, text(v)) for k, v in t[1:]]
            first, firstlog = self.proc, self.logf
            self.start(argv)
            self.extra.append((self.proc, self.logf))
            self.proc, self.logf = first, firstlog
            return None
        if op == 'start':
            self.kill()
            open(self.logname, 'w').close()
            self.start([text(v) if not k else '%s=%s' % (k, text(v)) for k, v in t[1:]])
            return None
        raise CaseError('unknown step ' + op)

    def do_open(self, words, opts):
        name, port = words[0], self.port(words[1])
        local = opts.get('from')
        s = socket.create_connection(('127.0.0.1', port), STEP_TIMEOUT, (local, 0) if local else None)
        s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if 'tls' not in words:
            self.conns[name] = Stream(s)
            return None
        ctx = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        ctx.check_hostname = False
        d = self.dir + '/certs/'
        ctx.verify_mode = ssl.CERT_REQUIRED
        ctx.load_verify_locations(d + 'ca-cert.pem')
        if 'cert' in opts:
            ctx.load_cert_chain(d + opts['cert'] + '-cert.pem', d + opts['cert'] + '-key.pem')
        if 'alpn' in opts:
            ctx.set_alpn_protocols(opts['alpn'].split(','))
        if 'max' in opts:
            ctx.maximum_version = getattr(ssl.TLSVersion, opts['max'])
        if 'min' in opts:
            ctx.minimum_version = getattr(ssl.TLSVersion, opts['min'])
        s.settimeout(STEP_TIMEOUT)
        try:
            s = ctx.wrap_socket(s, server_hostname=opts.get('sni'))
        except (ssl.SSLError, OSError):
            self.conns[name] = Stream(s)
            return ['<tls handshake failed>']
        self.conns[name] = Stream(s)
        cn = [v for rdn in s.getpeercert()['subject'] for k, v in rdn if k == 'commonName']
        return ['tls established, certificate %s, alpn %s' % (cn[0] if cn else '-', s.selected_alpn_protocol())]

    def show_response(self, m, json_mode, grep=None):
        start, headers, body, note = m
        ignore = set(self.case.ignore)
        if json_mode:
            ignore.add('content-length')
        out = [self.hide(start)] + show_headers(headers, ignore, self)
        if json_mode:
            try:
                v = json.loads(self.hide_bytes(body))
                out.append('')
                if isinstance(v, dict) and v:
                    for k in sorted(v):
                        out.append('%s = %s' % (k, json.dumps(v[k], sort_keys=True)))
                else:
                    out.append('= ' + json.dumps(v, sort_keys=True))
            except ValueError:
                out += ['', '<not JSON>'] + quote_lines(self.hide_bytes(body))
        elif grep:
            rx = re.compile(grep)
            out = [x for x in out if not x.startswith('content-length:')] + ['']
            out += sorted(l for l in self.hide_bytes(body).decode('utf-8', 'replace').split('\n') if rx.search(l))
        elif body or note:
            out += [''] + quote_lines(self.hide_bytes(body))
        if note:
            out.append(note)
        return [x.rstrip() for x in out]

    @staticmethod
    def before_send(c):
        if c.sent:
            wait_until_read(c.sock, time.monotonic() + READ_TIMEOUT)
        c.sent = True

    @staticmethod
    def expected_size(lines):
        n = 0
        for l in lines:
            if l.startswith('"'):
                n += len(unquote(l[1:-1]))
            elif re.match(r'\d+ bytes, sha256', l):
                n += int(l.split()[0])
        return n

    def recv(self, c, words, opts, limit, expected=None):
        kind = words[0]
        try:
            if kind == 'http':
                out = []
                n = int(words[1]) if len(words) > 1 and words[1].isdigit() else 1
                for i in range(n):
                    if i:
                        out.append('--')
                    try:
                        m = c.read_message(limit, True, 'head' in words)
                        out += self.show_response(m, 'json' in words, opts.get('grep'))
                    except (Closed, Timeout) as e:
                        if c.buf:
                            out += quote_lines(self.hide_bytes(c.buf))
                            c.buf = b''
                        out.append('<closed>' if isinstance(e, Closed) else '<open, timeout>')
                        break
                return out
            if kind == 'bytes':
                d = c.take(int(words[1]), limit)
                return quote_lines(self.hide_bytes(d))
            if kind == 'until':
                raise CaseError('use bytes')
            if kind == 'close':
                while True:
                    c.fill(limit)
            if kind == 'quiet':
                # whatever comes until nothing has come for the given time
                q = float(words[1])
                want = self.expected_size(expected or [])
                try:
                    while len(self.hide_bytes(c.buf)) < want:   # a slow program gets the time it needs
                        c.fill(limit)
                except Timeout:
                    pass
                while time.monotonic() < limit:
                    try:
                        c.fill(min(limit, time.monotonic() + q))
                    except Timeout:
                        break
                out = quote_lines(self.hide_bytes(c.buf)) if c.buf else []
                c.buf = b''
                return out + ['<open>']
        except Closed:
            out = quote_lines(self.hide_bytes(c.buf)) if c.buf else []
            c.buf = b''
            return out + ['<closed>']
        except Timeout:
            out = quote_lines(self.hide_bytes(c.buf)) if c.buf else []
            c.buf = b''
            return out + ['<open, timeout>']
        raise CaseError('unknown recv ' + kind)

    def requests(self, n, port, data, words, limit):
        """n requests one after the other, each on a connection of its own -> the bodies."""
        out = []
        for i in range(n):
            s = socket.create_connection(('127.0.0.1', self.port(port)), STEP_TIMEOUT)
            c = Stream(s)
            try:
                s.sendall(data.replace(b'%i', str(i).encode()))
                m = c.read_message(min(self.deadline, time.monotonic() + STEP_TIMEOUT), True)
                out.append(m[0].split(' ')[1] + ' ' + quote(self.hide_bytes(m[2])))
            except Closed:
                out.append('<closed>')
            except Timeout:
                out.append('<timeout>')
            finally:
                s.close()
        if 'count' in words:
            tally = {}
            for x in out:
                tally[x] = tally.get(x, 0) + 1
            return ['%d x %s' % (tally[k], k) for k in sorted(tally)]
        return out


# --------------------------------------------------------------------------- main

def run_case(path, name, opt):
    t0 = time.monotonic()
    try:
        case = Case(path, name)
    except (CaseError, OSError, ValueError, KeyError, IndexError) as e:
        return name, '', False, 'cannot read the case: %s' % e, 0.0, []
    ok, msg = True, ''
    try:
        for attempt in range(3):
            r = Run(case, opt.pipy, opt.record)
            try:
                results, bad = r.execute()
                break
            except (CaseError, OSError) as e:
                # somebody else has taken one of the ports meanwhile: once more with others
                if attempt < 2 and ('Address already in use' in str(e) or
                                    ('before it listened' in str(e) and 'in use' in r.log())):
                    shutil.rmtree(r.dir, ignore_errors=True)
                    continue
                raise
        if bad:
            ok = False
            line, no, expected, got = bad
            diff = [d for d in difflib.unified_diff(expected, got, lineterm='', n=2)][2:]
            msg = 'step at line %d: %s\n' % (no, line) + '\n'.join(
                ('      ' + d) if not d.startswith('@@') else '      @@ (-) expected (+) got' for d in diff[:40])
        elif opt.record:
            case.rewrite(results)
    except CaseError as e:
        ok, msg = False, str(e)
    except Exception as e:                                       # never let one case stop the run
        ok, msg = False, '%s: %s' % (type(e).__name__, e)
    if not ok:
        tail = [l for l in r.log().split('\n') if l.strip() and '[INF] [config]' not in l][-8:]
        if tail:
            msg += '\n      log: ' + '\n           '.join(x[:300] for x in tail)
    if opt.keep:
        msg += '\n      kept: %s and %s' % (r.dir, r.logname)
    else:
        shutil.rmtree(r.dir, ignore_errors=True)
        try:
            os.unlink(r.logname)
        except OSError:
            pass
    return name, case.doc, ok, msg, time.monotonic() - t0, r.warnings


def collect(paths, only):
    out = []
    for p in paths:
        if not os.path.exists(p):                 # 'cases' means those beside this file, wherever it is called from
            p = os.path.join(os.path.dirname(os.path.abspath(__file__)), p)
        if not os.path.exists(p):
            sys.exit('no such file or directory: ' + p)
        if os.path.isfile(p):
            out.append((p, os.path.basename(os.path.dirname(os.path.abspath(p))) + '/' + os.path.splitext(os.path.basename(p))[0]))
            continue
        for root, dirs, files in os.walk(p):
            dirs.sort()
            for f in sorted(files):
                if f.endswith('.case'):
                    full = os.path.join(root, f)
                    out.append((full, os.path.relpath(full, p)[:-5]))
    if only:
        out = [x for x in out if any(fnmatch.fnmatch(x[1], o) or o in x[1] for o in only)]
    return out


def main():
    ap = argparse.ArgumentParser(description='conformance runner')
    ap.add_argument('--pipy', required=True, help='command that starts the program under test')
    ap.add_argument('--jobs', type=int, default=2)
    ap.add_argument('--only', action='append', help='run the cases whose name contains or matches this (repeatable)')
    ap.add_argument('--junit', help='write a JUnit XML report')
    ap.add_argument('--record', action='store_true', help='rewrite the expectations from the program under test')
    ap.add_argument('--keep', action='store_true', help='keep temporary directories and logs')
    ap.add_argument('--slowest', type=int, default=0, help='list the N slowest cases')
    ap.add_argument('cases', nargs='+')
    opt = ap.parse_args()
    cases = collect(opt.cases, opt.only)
    done = []
    with concurrent.futures.ThreadPoolExecutor(max(1, opt.jobs)) as ex:
        futs = [ex.submit(run_case, p, n, opt) for p, n in cases]
        for f in futs:
            name, doc, ok, msg, dt, warn = f.result()
            done.append((name, doc, ok, msg, dt))
            print('%s  %s' % ('PASS' if ok else 'FAIL', name) + ('' if ok and not msg else '\n      ' + msg.strip()), flush=True)
            if opt.record:
                for w in warn:
                    print('      warning: ' + w)
    good = sum(1 for d in done if d[2])
    if opt.junit:
        with open(opt.junit, 'w', encoding='utf-8') as f:
            f.write('<?xml version="1.0" encoding="UTF-8"?>\n<testsuite name="conformance" tests="%d" failures="%d">\n' % (len(done), len(done) - good))
            for name, doc, ok, msg, dt in done:
                area, _, short = name.rpartition('/')
                f.write('  <testcase classname=%s name=%s time="%.3f"' % (sax.quoteattr(area), sax.quoteattr(short), dt))
                if ok:
                    f.write('/>\n')
                else:
                    clean = re.sub(r'[^\t\n\r\x20-\ud7ff\ue000-\ufffd]', '?', msg)
                    f.write('>\n    <failure message=%s>%s</failure>\n  </testcase>\n' % (sax.quoteattr(clean.split('\n')[0]), sax.escape(clean)))
            f.write('</testsuite>\n')
    if opt.slowest:
        for d in sorted(done, key=lambda d: -d[4])[:opt.slowest]:
            print('%6.2f s  %s' % (d[4], d[0]))
    if _cert_dir:
        shutil.rmtree(_cert_dir, ignore_errors=True)
    print('%d passed, %d failed' % (good, len(done) - good))
    return 0 if good == len(done) else 1


if __name__ == '__main__':
    sys.exit(main())
