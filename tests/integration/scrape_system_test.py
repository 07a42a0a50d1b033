#!/usr/bin/env python3
"""Scrapes real and hostile targets with the real daemon and compares what it stored with what was served.

usage: scrape_system_test.py BUILD_DIR

Go services need a `go` on the PATH, the gperftools service is built where libgoogle-perftools-dev is installed.
"""
import base64, gzip, http.client, http.server, json, multiprocessing, os, re, shutil, signal, socket, ssl, struct, subprocess, sys, tempfile, threading, time, urllib.parse, urllib.request

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', 'support'))
from checks import check, finish, free_port, skip, wait
from random_pprof import varint

build = os.path.abspath(sys.argv[1])
top = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
work = tempfile.mkdtemp(prefix='watchfire-scrape-', dir='/var/tmp')
PHASE = 60  # seconds of counting, with and without hostile targets
GOOD = 50


def field(number, value):
    if isinstance(value, int):
        return varint(number << 3) + varint(value)
    return varint(number << 3 | 2) + varint(len(value)) + value


def small_profile():
    """A goroutine profile of one stack, written by hand after profile.proto."""
    return gzip.compress(field(1, field(1, 1) + field(2, 2)) + field(2, field(1, varint(1)) + field(2, varint(3)))
                         + field(4, field(1, 1) + field(4, field(1, 1) + field(2, 7))) + field(5, field(1, 1) + field(2, 3) + field(3, 3))
                         + b''.join(field(6, s) for s in (b'', b'goroutine', b'count', b'main.main')))


PROFILE = small_profile()


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = 'HTTP/1.1'
    wanted = None  # an Authorization header

    def do_GET(self):
        good = self.wanted in (None, self.headers.get('Authorization'))
        body = PROFILE if good else b'who are you?'
        self.send_response(200 if good else 401)
        self.send_header('Content-Length', str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


class Server(http.server.ThreadingHTTPServer):
    request_queue_size = 256

    def handle_error(self, *_):
        pass


def serve(handler, address='127.0.0.1', tls=None):
    server = Server((address, 0), handler)
    if tls:
        server.socket = tls.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server.server_address[1]


def make_certificate(name, alternative):
    subprocess.run(['openssl', 'req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '2', '-subj', f'/CN={name}', '-addext', f'subjectAltName={alternative}',
                    '-keyout', f'{work}/{name}.key', '-out', f'{work}/{name}.pem'], check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(f'{work}/{name}.pem', f'{work}/{name}.key')
    return context


class Daemon:
    """watchfired with these jobs, everything it writes below a directory of its own."""

    def __init__(self, name, jobs):
        self.state = f'{work}/{name}'
        os.makedirs(self.state)
        with open(f'{self.state}/watchfire.yaml', 'w') as f:
            json.dump({'host': 'test', 'analysis': {'every': '24h', 'first_after': '0s'}, 'discovery': {'enabled': False}, 'scrape_configs': jobs}, f)
        self.log = open(f'{self.state}/log', 'w')
        self.socket = f'{self.state}/run/control.sock'
        self.process = subprocess.Popen([f'{build}/bin/watchfired', '--config', f'{self.state}/watchfire.yaml', '--state', self.state, '--run-dir', f'{self.state}/run',
                                         '--tcp', 'off'], stdout=self.log, stderr=self.log)
        if not wait(10, lambda: self.cli('status').returncode == 0):
            check(f'the daemon of {name} answers', False, open(f'{self.state}/log').read())

    def cli(self, *args):
        return subprocess.run([f'{build}/bin/watchfire', args[0], '--socket', self.socket, *args[1:]], capture_output=True, text=True, timeout=60)

    def targets(self):
        return {t['job']: t for t in json.loads(self.cli('targets', '--json').stdout)['targets']}

    def good_scrapes(self):
        return {t['labels']['instance']: t['scrapes'] - t['failures'] for t in json.loads(self.cli('targets', '--json').stdout)['targets'] if t['job'] == 'good'}

    def get(self, path):
        c = http.client.HTTPConnection('localhost')
        c.sock = socket.socket(socket.AF_UNIX)
        c.sock.connect(self.socket)
        c.request('GET', path)
        return c.getresponse().read()

    def sum_of(self, selector):
        """(sum, number of points) of all values stored for a selector of one series."""
        points = json.loads(self.get(f'/api/v1/timeline?selector={urllib.parse.quote(selector)}&since=10m&step=1s')).get('points', [])
        return sum(p['value'] for p in points), len(points)

    def memory(self, what):
        return next(int(line.split()[1]) >> 10 for line in open(f'/proc/{self.process.pid}/status') if line.startswith(what))

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        check('the daemon ends well', self.process.wait(30) == 0, open(f'{self.state}/log').read())


def job(name, targets, endpoints=None, **more):
    endpoints = endpoints or {'goroutine': {'enabled': True}}
    off = {n: {'enabled': False} for n in ('process_cpu', 'memory', 'goroutine', 'mutex', 'block')}
    return {'job_name': name, 'scrape_interval': '1s', 'scrape_timeout': '1s', 'static_configs': [{'targets': targets}],
            'profiling_config': {'pprof_config': {**off, **endpoints}}, **more}


# ---- hostile targets, in a process of their own so that they take nothing from the good ones' server
def hostile_servers(pipe):
    block = b'x' * 65536

    def drip(s):
        s.sendall(b'HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n')
        while True:
            s.sendall(b'x')
            time.sleep(1)

    def endless(s):
        s.sendall(b'HTTP/1.1 200 OK\r\n\r\n')
        while True:
            s.sendall(block)

    def huge(s):
        s.sendall(b'HTTP/1.1 200 OK\r\nContent-Length: 10737418240\r\n\r\n')
        while True:
            s.sendall(block)

    def redirect(s):
        s.sendall(b'HTTP/1.1 302 Found\r\nLocation: /again\r\nContent-Length: 0\r\nConnection: close\r\n\r\n')

    def answer(s, behave):
        try:
            s.recv(65536)
            behave(s)
        except OSError:
            pass
        s.close()

    def accept(listener, behave):
        while True:
            s, _ = listener.accept()
            threading.Thread(target=answer, args=(s, behave), daemon=True).start()

    ports = {}
    for behave in (drip, endless, huge, redirect):
        listener = socket.create_server(('127.0.0.1', 0), backlog=64)
        ports[behave.__name__] = listener.getsockname()[1]
        threading.Thread(target=accept, args=(listener, behave), daemon=True).start()
    pipe.send(ports)
    pipe.recv()


ours, theirs = multiprocessing.Pipe()
hostile_process = multiprocessing.Process(target=hostile_servers, args=(theirs,), daemon=True)
hostile_process.start()
ports = ours.recv()
tls_good, tls_other = make_certificate('here', 'DNS:localhost,IP:127.0.0.1'), make_certificate('stranger', 'IP:127.0.0.1')
good_port = serve(Handler, '0.0.0.0')
good_job = job('good', [f'127.0.1.{n + 1}:{good_port}' for n in range(GOOD)])
self_signed_port = serve(Handler, tls=tls_other)
HOSTILE = {
    'drip': (job('drip', [f'127.0.0.1:{ports["drip"]}']), 'no complete answer within 1s'),
    'endless': (job('endless', [f'127.0.0.1:{ports["endless"]}']), 'longer than the limit of'),
    'huge': (job('huge', [f'127.0.0.1:{ports["huge"]}']), 'longer than the limit of'),
    'redirect': (job('redirect', [f'127.0.0.1:{ports["redirect"]}']), 'redirects are not followed'),
    'plain': (job('plain', [f'127.0.0.1:{good_port}'], scheme='https'), 'SSL'),
    'self_signed': (job('self_signed', [f'127.0.0.1:{self_signed_port}'], scheme='https'), 'certificate'),
}


def count_good(name, jobs):
    """How often each good target was scraped well in PHASE seconds, and the daemon, still running."""
    daemon = Daemon(name, jobs)
    wait(10, lambda: len(daemon.good_scrapes()) == GOOD and min(daemon.good_scrapes().values()) >= 2)
    before, begin, resident = daemon.good_scrapes(), time.time(), daemon.memory('VmRSS')
    time.sleep(PHASE)
    after, seconds = daemon.good_scrapes(), time.time() - begin
    return daemon, {k: (after[k] - before[k]) / seconds for k in after}, resident


alone, rates_alone, _ = count_good('alone', [good_job])
peak_alone = alone.memory('VmHWM')
alone.stop()
beside, rates, resident = count_good('beside', [good_job] + [j for j, _ in HOSTILE.values()])
mean_alone, mean = sum(rates_alone.values()) / GOOD, sum(rates.values()) / GOOD
print(f'     {GOOD} good targets, scrapes/s each: {mean_alone:.3f} alone, {mean:.3f} beside {len(HOSTILE)} hostile ones; slowest {min(rates_alone.values()):.3f} and {min(rates.values()):.3f}')
print(f'     resident: {resident} MB at the start, {beside.memory("VmRSS")} MB at the end, {beside.memory("VmHWM")} MB at most; alone {peak_alone} MB at most')
check('good targets are scraped once a second', mean_alone >= 0.98 and min(rates_alone.values()) >= 0.9, rates_alone)
check('hostile targets beside them change that by less than 2 %', mean >= 0.98 * mean_alone and min(rates.values()) >= 0.9, rates)
check('hostile targets cost less than 64 MB', beside.memory('VmHWM') - peak_alone < 64, (beside.memory('VmHWM'), peak_alone))
states = beside.targets()
for name, (_, says) in HOSTILE.items():
    t = states.get(name, {})
    check(f'the state of {name} says why it is down', t.get('up') is False and says in t['error'], t)
    check(f'{name} is asked again and again', t.get('failures', 0) >= PHASE // 3, t)
beside.stop()
ours.send('end')

# ---- services with TLS and secrets, a real gperftools service, a real Go service behind a proxy that keeps all it saw
for name, text in (('token', 'open sesame\n'), ('password', 'pass:word\n'), ('wrong', 'guess\n')):
    with open(f'{work}/{name}', 'w') as f:
        f.write(text)
bearer = serve(type('Bearer', (Handler,), {'wanted': 'Bearer open sesame'}), '0.0.0.0', tls_good)
basic = serve(type('Basic', (Handler,), {'wanted': 'Basic ' + base64.b64encode(b'watch:pass:word').decode()}), '0.0.0.0', tls_good)
ca = {'ca_file': f'{work}/here.pem'}
TLS = {  # what it should say; '' when it is up
    'bearer': (job('bearer', [f'127.0.0.1:{bearer}'], scheme='https', tls_config=ca, bearer_token_file=f'{work}/token'), ''),
    'basic': (job('basic', [f'127.0.0.1:{basic}'], scheme='https', tls_config=ca, basic_auth={'username': 'watch', 'password_file': f'{work}/password'}), ''),
    'other_address': (job('other_address', [f'127.0.0.2:{bearer}'], scheme='https', tls_config=ca, bearer_token_file=f'{work}/token'), "subject name"),
    'named': (job('named', [f'127.0.0.2:{bearer}'], scheme='https', tls_config={**ca, 'server_name': 'localhost'}, bearer_token_file=f'{work}/token'), ''),
    'wrong_name': (job('wrong_name', [f'127.0.0.1:{bearer}'], scheme='https', tls_config={**ca, 'server_name': 'other.example'}, bearer_token_file=f'{work}/token'), 'subject name'),
    'wrong_token': (job('wrong_token', [f'127.0.0.1:{bearer}'], scheme='https', tls_config=ca, bearer_token_file=f'{work}/wrong'), 'answered 401'),
    'no_token_file': (job('no_token_file', [f'127.0.0.1:{bearer}'], scheme='https', tls_config=ca, bearer_token_file=f'{work}/nowhere'), 'nowhere'),
}
jobs = [j for j, _ in TLS.values()]

gperftools, gperftools_port, HELD_MB, GPERFTOOLS_HZ = None, free_port(), 128, 250
if os.path.exists(program := f'{build}/tests/programs/gperftools_service'):
    gperftools = subprocess.Popen([program, str(gperftools_port), str(HELD_MB)], env={**os.environ, 'TCMALLOC_SAMPLE_PARAMETER': '16384', 'CPUPROFILE_FREQUENCY': str(GPERFTOOLS_HZ)}, stderr=subprocess.DEVNULL)
    jobs.append(job('gperftools', [f'127.0.0.1:{gperftools_port}'], {'gperftools_cpu': {'enabled': True, 'seconds': '4s'}, 'gperftools_heap': {'enabled': True}},
                    scrape_interval='5s', scrape_timeout='4s'))
else:
    skip('gperftools: libgoogle-perftools-dev is not installed')

go_port, go_service, bodies = free_port(), None, []


class Proxy(Handler):
    def do_GET(self):
        try:
            with urllib.request.urlopen(f'http://127.0.0.1:{go_port}{self.path}', timeout=5) as r:
                body, code = r.read(), r.status
            bodies.append(body)
        except OSError:
            body, code = b'down', 502
        self.send_response(code)
        self.send_header('Content-Length', str(len(body)))
        self.end_headers()
        self.wfile.write(body)


def start_go():
    p = subprocess.Popen([f'{build}/demo/demo-invoices', '-addr', f'127.0.0.1:{go_port}'])
    wait(5, lambda: socket.socket().connect_ex(('127.0.0.1', go_port)) == 0)
    return p


if shutil.which('go'):
    made = subprocess.run([f'{top}/examples/demo/build', build], capture_output=True, text=True)
    if check('the Go service builds', made.returncode == 0, made.stderr):
        go_service = start_go()
        jobs.append(job('go', [f'127.0.0.1:{serve(Proxy)}'], {'memory': {'enabled': True}}))
else:
    skip('a Go service: no go on the PATH')

daemon = Daemon('real', jobs)
if go_service:
    wait(20, lambda: len(bodies) >= 5)
    first_life = len(bodies)
    go_service.kill()
    go_service.wait()
    first_life = len(bodies)
    time.sleep(1.5)
    go_service = start_go()
    wait(20, lambda: len(bodies) >= first_life + 6)
    go_service.kill()
    go_service.wait()
    time.sleep(1)

    def total_of(body):
        with open(f'{work}/body.pb.gz', 'wb') as f:
            f.write(body)
        r = subprocess.run([f'{build}/bin/watchfire', 'pprof', '-raw', f'{work}/body.pb.gz'], capture_output=True, text=True)
        lines = r.stdout.splitlines()
        types = lines[lines.index('Samples:') + 1].split()
        column = next(i for i, t in enumerate(types) if t.startswith('alloc_space/'))
        return sum(int(line.split(':')[0].split()[column]) for line in lines[lines.index('Samples:') + 2:lines.index('Locations')]
                   if ':' in line and line.split(':')[0].split() and all(n.lstrip('-').isdigit() for n in line.split(':')[0].split()))

    totals = [total_of(b) for b in bodies]
    want = sum(b - a if i + 1 != first_life else b for i, (a, b) in enumerate(zip(totals, totals[1:])))
    have, points = daemon.sum_of('memory:alloc_space{service_name="go"}')
    print(f'     Go: {len(bodies)} answers, {first_life} before the restart; alloc_space {have} bytes in {points} profiles, by the answers {want}')
    check('the restart is in the middle of ten scrapes or more', len(bodies) >= 10 and 5 <= first_life < len(bodies) - 4 and totals[first_life] < totals[first_life - 1], totals)
    check('scrapes of a Go service add up to what it answered, a restart between', want > 0 and have == want, (have, want, totals))

if gperftools:
    def truths():
        with urllib.request.urlopen(f'http://127.0.0.1:{gperftools_port}/truth') as r:
            return [line.split() for line in r.read().decode().splitlines()]

    cpu = 'process_cpu:cpu{service_name="gperftools"}'
    wait(30, lambda: daemon.sum_of(cpu)[0] * GPERFTOOLS_HZ / 1e9 >= 2200)
    cpu_sum, profiles = daemon.sum_of(cpu)
    clock = [int(line[1]) for line in truths() if line[0] == 'cpu'][:profiles]
    held = next(int(line[1]) for line in truths() if line[0] == 'held')
    samples, by_clock = cpu_sum * GPERFTOOLS_HZ / 1e9, sum(clock) * GPERFTOOLS_HZ / 1e9
    error = by_clock ** 0.5
    print(f'     gperftools: {profiles} CPU profiles of 4 s, {samples:.0f} samples; by its clock {by_clock:.1f}, standard error {error:.1f}')
    check('CPU of a gperftools service is what its clock says, within 3 standard errors', profiles >= 3 and len(clock) == profiles and abs(samples - by_clock) <= 3 * error, (cpu_sum, clock))
    # Each phase's share against the clock of the thread that did the work; the profiles are binary ones without names.
    with open(f'{work}/gperftools.pb.gz', 'wb') as f:
        f.write(daemon.get(f'/api/v1/profile?selector={urllib.parse.quote(cpu)}&since=10m'))
    raw = subprocess.run([f'{build}/bin/watchfire', 'pprof', '-raw', f'{work}/gperftools.pb.gz'], capture_output=True, text=True).stdout
    address = {m[1]: int(m[2], 16) for m in re.finditer(r'^ +(\d+): 0x([0-9a-f]+)', raw, re.M)}
    code = {line[1]: (int(line[2], 16), int(line[3], 16)) for line in truths() if line[0] == 'code'}
    clocks = {name: sum([int(line[2]) for line in truths() if line[:2] == ['phase', name]][:profiles]) for name in code}
    seen = dict.fromkeys(code, 0)
    for m in re.finditer(r'^ +(\d+): (\d+)', raw[:raw.find('Locations')], re.M):
        for name, (start, end) in code.items():
            seen[name] += int(m[1]) * GPERFTOOLS_HZ // 10**9 if start <= address[m[2]] < end else 0
    n = sum(seen.values())
    check('2,000 samples of a gperftools service lie in its phases', n >= 2000, (seen, raw[:500]))
    for name in code:
        want, have = clocks[name] / sum(clocks.values()), seen[name] / max(n, 1)
        error = (want * (1 - want) / max(n, 1)) ** 0.5
        print(f'     gperftools {name}: share by its clock {want:.4f}, by {n} samples {have:.4f} ({(have - want) / error:+.2f} standard errors)')
        check(f'the share of {name} in a gperftools service is right within 3 standard errors', abs(have - want) <= 3 * error, (seen, clocks))
    heap, heaps = daemon.sum_of('memory:space{service_name="gperftools"}')
    print(f'     gperftools: heap in use {heap / max(heaps, 1) / 2**20:.1f} MB in the mean of {heaps} profiles; it holds {held / 2**20:.1f} MB')
    check('the heap of a gperftools service is right within 10 %', heaps and abs(heap / heaps - held) <= 0.1 * held, (heap, heaps, held))
    gperftools.kill()
    gperftools.wait()

states = daemon.targets()
for name, (_, says) in TLS.items():
    t = states.get(name, {})
    if says:
        check(f'TLS {name} is refused and says why', t.get('up') is False and t['scrapes'] == t['failures'] > 0 and says in t['error'], t)
    else:
        check(f'TLS {name} is scraped', t.get('up') and t['failures'] == 0 and t['scrapes'] > 3, t)
everything = json.dumps(states) + open(f'{daemon.state}/log').read()
check('no secret is in states or log', 'sesame' not in everything and 'pass:word' not in everything and 'guess' not in everything, everything)
daemon.stop()
shutil.rmtree(work, ignore_errors=True)
finish()
