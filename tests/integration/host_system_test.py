#!/usr/bin/env python3
"""Watches this host with the real programs, started by the launcher, and uses them as a person would.

usage: host_system_test.py BUILD_DIR

Needs root and a kernel that runs eBPF; without them only what works without is tested, with a reason. Go services need
a `go` on the PATH, redis-server is left out where it isn't installed.
"""
import atexit, gzip, http.client, json, os, re, shutil, signal, socket, subprocess, sys, tempfile, time, urllib.request

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', 'support'))
from checks import check, finish, free_port, skip, wait

build = os.path.abspath(sys.argv[1])
top = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
bin_dir = f'{build}/bin'
cleanup = []


def start(*command, **kw):
    p = subprocess.Popen(command, stdout=kw.pop('stdout', subprocess.DEVNULL), stderr=kw.pop('stderr', subprocess.DEVNULL), **kw)
    cleanup.append(p)
    return p


@atexit.register
def kill_what_is_left():
    for p in cleanup:
        if p.poll() is None:
            p.kill()


def stop(p, sig=signal.SIGTERM, seconds=40):
    if p.poll() is None:
        p.send_signal(sig)
        try:
            p.wait(seconds)
        except subprocess.TimeoutExpired:
            p.kill()
            p.wait()


is_root = os.geteuid() == 0
has_ebpf = is_root and os.path.exists('/sys/kernel/btf/vmlinux')
state = tempfile.mkdtemp(prefix='watchfire-host-', dir='/var/tmp')
os.chmod(state, 0o755)
sock = f'{state}/run/control.sock'
if is_root:
    subprocess.run([f'{top}/tools/make_users'], check=True)


def cli(*args, timeout=60):
    return subprocess.run([f'{bin_dir}/watchfire', args[0], '--socket', sock, *args[1:]], capture_output=True, text=True, timeout=timeout)


def api(method, path, body=None):
    class Unix(http.client.HTTPConnection):
        def connect(self):
            self.sock = socket.socket(socket.AF_UNIX)
            self.sock.settimeout(60)
            self.sock.connect(sock)
    c = Unix('localhost')
    c.request(method, path, body)
    r = c.getresponse()
    return r.status, r.read()


def status():
    r = cli('status', '--json')
    return json.loads(r.stdout) if r.returncode == 0 else {}


# ---- without a daemon
down = cli('status')
check('a daemon that is down is told with what to do', down.returncode == 3 and 'does not answer' in down.stderr and './run' in down.stderr, down)
doctor = cli('doctor')
check('doctor works without a daemon', doctor.returncode == 1 and 'BAD   daemon' in doctor.stdout and 'kernel' in doctor.stdout, doctor.stdout)

# ---- services to watch
go_service = None
GO_PORT, REDIS_PORT, PHASES_PORT = free_port(), free_port(), free_port()
if shutil.which('go'):
    made = subprocess.run([f'{top}/examples/demo/build', build], capture_output=True, text=True)
    if check('the example services build', made.returncode == 0, made.stderr):
        go_service = start(f'{build}/demo/demo-invoices', '-addr', f'127.0.0.1:{GO_PORT}')
        cpp_service = start(f'{build}/demo/demo-thumbnails')
        subprocess.run(['go', 'build', '-o', f'{build}/demo/phases', '.'], cwd=f'{top}/tests/programs/phases', check=True,
                       env={**os.environ, 'GOFLAGS': '-mod=mod', 'GOTOOLCHAIN': 'local', 'GOCACHE': f'{build}/demo/go-cache'})
        start(f'{build}/demo/phases', '-addr', f'127.0.0.1:{PHASES_PORT}', stdout=None)
else:
    skip('example services: no go on the PATH')
redis = None
if shutil.which('redis-server'):
    redis = start('redis-server', '--port', str(REDIS_PORT), '--save', '', '--appendonly', 'no', cwd=state)

# ---- the launcher starts all
log = open(f'{state}/launch.log', 'w')
launch = start(f'{bin_dir}/watchfire-launch', '--state', state, '--hz', '97', '--', '--tcp', '127.0.0.1:0', stdout=log, stderr=log)
check('the daemon answers within 10 s', wait(10, lambda: status()), open(f'{state}/launch.log').read())

TABLE = {  # DESIGN's table: user, capabilities
    'watchfired': ('watchfire', 0),
    'watchfire-parse': ('watchfire-parse', 0),
    'watchfire-collect': ('watchfire-collect', sum(1 << c for c in (39, 38, 19, 40, 2, 34))),
}


def proc_status(pid):
    return dict(line.split(':\t', 1) for line in open(f'/proc/{pid}/status').read().splitlines() if ':\t' in line)


if not is_root:
    skip('rights of the processes: not root')
else:
    children = subprocess.run(['pgrep', '-P', str(launch.pid)], capture_output=True, text=True).stdout.split()
    seen = {}
    for pid in children:
        s = proc_status(pid)
        seen[s['Name'].strip()] = (int(pid), s)
    for name, (user, caps) in TABLE.items():
        key = name[:15]
        if not check(f'{name} runs', key in seen, seen.keys()):
            continue
        s = seen[key][1]
        uid = int(subprocess.run(['id', '-u', user], capture_output=True, text=True).stdout)
        check(f'{name} is user {user} and no other', set(map(int, s['Uid'].split())) == {uid}, s['Uid'])
        check(f'{name} has exactly its capabilities', int(s['CapEff'], 16) == caps and int(s['CapBnd'], 16) == caps, (s['CapEff'], s['CapBnd']))
        check(f'{name} has no_new_privs', s['NoNewPrivs'].strip() == '1', s['NoNewPrivs'])
    if 'watchfire-parse' in seen:
        check('watchfire-parse is under seccomp', seen['watchfire-parse'][1]['Seccomp'].strip() == '2', seen['watchfire-parse'][1]['Seccomp'])


def phase_clocks():
    """Phase -> ns of CPU, as the thread of the Go program that does the work reads them."""
    text = urllib.request.urlopen(f'http://127.0.0.1:{PHASES_PORT}/truth').read().decode()
    return {line.split()[1]: int(line.split()[2]) for line in text.splitlines()}


def cpu_of(pid):
    f = open(f'/proc/{pid}/stat').read().rsplit(')', 1)[1].split()
    return (int(f[11]) + int(f[12])) / os.sysconf('SC_CLK_TCK')


if has_ebpf:
    check('the collector connects', wait(15, lambda: status().get('ebpf', {}).get('connected')), open(f'{state}/launch.log').read())
    if go_service:
        # Cores against the kernel's own accounting, over whole windows: they end on multiples of ten seconds.
        wait(25, lambda: status()['ebpf'].get('last_window_end'))
        services = {'demo-invoices': go_service.pid, 'demo-thumbnails': cpp_service.pid}
        time.sleep(10 - time.time() % 10)
        begin, cpu_before = round(time.time()), {n: cpu_of(pid) for n, pid in services.items()}
        clocks_before = phase_clocks()
        time.sleep(begin + 60 - time.time())
        clocks = {name: ns - clocks_before[name] for name, ns in phase_clocks().items()}
        rates = {n: (cpu_of(pid) - cpu_before[n]) / 60 for n, pid in services.items()}
        time.sleep(2)
        digest = cli('digest', '--now', '--start', str(begin), '--end', str(begin + 60), '--json', timeout=200)
        d = json.loads(digest.stdout) if digest.returncode == 0 else {}
        if check('a digest is made on demand', d.get('services'), digest.stderr):
            cores = {s['service']: s['cores'] for s in d['services']}
            for name, rate in rates.items():
                check(f'cores of {name} are within 5 % of its rusage', abs(cores.get(name, 0) - rate) <= 0.05 * rate, f'{cores.get(name)} against {rate}')
            causes = {(f['service'], f['cause_class']): f for f in d['findings']}
            regex = causes.get(('demo-invoices', 'regex_compile'))
            sorting = causes.get(('demo-thumbnails', 'sorting'))
            check("the Go service's cause and function are named", regex and regex['function'] == 'main.validateInvoice' and regex['amount'] > 0, causes.keys())
            check("the C++ service's cause and function are named", sorting and 'remember_request' in sorting['function'], causes.keys())
            if regex:
                again = subprocess.run(regex['evidence'][0]['command'].replace('watchfire ', f'{bin_dir}/watchfire ', 1), shell=True,
                                       capture_output=True, text=True, env={**os.environ, 'WATCHFIRE_SOCKET': sock})
                check('the command of a finding shows it again', again.returncode == 0 and 'main.validateInvoice' in again.stdout, again.stdout + again.stderr)
            latest = f'{state}/reports/latest.json'
            check('the report is written: Markdown, JSON and a flame graph a service',
                  os.path.exists(latest) and os.path.exists(f'{state}/reports/latest.md')
                  and any(f == 'demo-invoices.svg' for f in os.listdir(os.path.dirname(os.path.realpath(latest)))))
        # Shares of the phases of a Go program by eBPF.
        report = lambda kind: json.loads(api('GET', f'/api/v1/report?selector={kind}%7Bservice_name%3D%22phases%22%2Csource%3D%22ebpf%22%7D&start={begin}&end={begin + 60}&report=top&format=json&nodecount=1000')[1])
        cum = {row['function']: row['cum'] for row in report('process_cpu:cpu')['report']['rows']}
        n = report('process_cpu:samples')['status']['total']
        check('2,000 samples of the Go program with phases', n >= 2000, n)
        seen = {name: cum.get(f'main.{name}', 0) for name in clocks}
        for name, ns in clocks.items():
            want, have = ns / sum(clocks.values()), seen[name] / max(sum(seen.values()), 1)
            error = (want * (1 - want) / max(n, 1)) ** 0.5
            print(f'     Go {name}: share by its clock {want:.4f}, by {n} samples {have:.4f} ({(have - want) / error:+.2f} standard errors)')
            check(f'the share of {name} in a Go program is right within 3 standard errors', abs(have - want) <= 3 * error, (seen, clocks))
        targets = json.loads(cli('targets', '--json').stdout)['targets']
        local = [t for t in targets if t['url'].endswith(f':{GO_PORT}')]
        check('the Go service was found by itself and is up', local and local[0]['up'] and not local[0]['error'], targets)
        check('its CPU profile stays off while eBPF sees it',
              'process_cpu' not in json.dumps([s for s in json.loads(cli('query', '{service_name="demo-invoices",source="pprof"}', '--json').stdout)['series']]))
        top_text = cli('top', '--service', 'demo-invoices', '--since', '5m').stdout
        check('names of Go functions are in the report', 'regexp' in top_text, top_text)
    if redis:
        info = socket.create_connection(('127.0.0.1', REDIS_PORT))
        info.sendall(b'INFO stats\r\n')
        text = info.recv(65536).decode()
        received = int(re.search(r'total_connections_received:(\d+)', text).group(1))
        check('redis-server never saw a connection from us', received == 1, text)
else:
    skip('eBPF: needs root and BTF')

# ---- pushing and asking
legacy = b'goroutine profile: total 12\n9 @ 0x401000 0x402000\n3 @ 0x403000 0x404000\n'
open(f'{state}/goroutines', 'wb').write(legacy)
pushed = cli('push', f'{state}/goroutines', '--label', 'service_name=batch', '--label', 'version=1.2', '--type', 'goroutine')
check('a profile can be pushed', pushed.returncode == 0 and json.loads(pushed.stdout)['samples'] == 2, pushed.stderr)
code, body = api('GET', '/api/v1/report?selector=goroutine%7Bservice_name%3D%22batch%22%7D&report=top&format=json')
check('what was pushed is asked back with its total', code == 200 and json.loads(body)['status']['total'] == 12, body)
cases = {'process_cpu{': 'label name', 'process_cpu{a=b}': 'double quotes', 'process_cpu{a=~"("}': 'regular expression', 'a:b:c:d:e:f': 'five parts',
         'x{a="1" b="2"}': "','", 'x{a="1"} y': 'after', 'x{1a="1"}': 'label name', 'x{a~"1"}': 'one of', 'x{a="1': 'closing quote',
         'x y': "'{'", 'x*': "unexpected", 'x{a="\\q"}': 'escape'}
for selector, says in cases.items():
    r = cli('query', selector)
    check(f'a bad selector is told with its column: {selector}', r.returncode == 1 and says in r.stderr and re.search(r'column \d+', r.stderr), r.stderr)
check('a service that is not there is told', 'no profiles of the service' in cli('analyze', '--service', 'nobody').stderr)
none = cli('top', '--service', 'batch', '--start', 'now-3h', '--end', 'now-2h')
check('no data in the window is told', none.returncode == 4 and 'no profile matches' in none.stderr, none.stderr)
for what, payload in (('HTML', b'<html>login</html>'), ('nothing', b''), ('truncated gzip', gzip.compress(legacy * 50)[:40]), ('a bomb', gzip.compress(b'\x12\x00' * 50_000_000, 9))):
    code, body = api('POST', '/api/v1/profiles?service_name=bad', payload)
    check(f'pushing {what} is refused with a message', code in (413, 422) and json.loads(body)['message'], (code, body))
code, body = api('POST', '/api/v1/profiles', legacy)
check('pushing without service_name is refused with a hint', code == 400 and 'service_name' in json.loads(body)['hint'], body)
if shutil.which('curl'):
    out = subprocess.run(['curl', '-s', '--unix-socket', sock, '-G', 'http://localhost/api/v1/report', '--data-urlencode',
                          'selector=goroutine{service_name="batch"}', '-d', 'report=top', '-d', 'since=1h'], capture_output=True, text=True).stdout
    check('curl on the socket works as documented', 'Showing nodes accounting for 12' in out, out)
code, body = api('GET', '/metrics')
check('metrics are there', code == 200 and b'watchfire_push_refused_total{reason=' in body, body[:300])
code, body = api('DELETE', '/api/v1/status')
check('an unknown method is refused', code == 400, body)

# ---- peers that die
if has_ebpf:
    def pid_of(name):
        for pid in subprocess.run(['pgrep', '-P', str(launch.pid)], capture_output=True, text=True).stdout.split():
            try:
                if proc_status(pid)['Name'].strip() == name[:15]:
                    return int(pid)
            except OSError:
                pass
    for name in ('watchfire-parse', 'watchfire-collect', 'watchfired'):
        old = pid_of(name)
        os.kill(old, signal.SIGKILL)
        good = wait(20, lambda: pid_of(name) not in (None, old) and status().get('ebpf', {}).get('connected'))
        check(f'after kill -9 of {name} it is back and the rest goes on', good, open(f'{state}/launch.log').read())

# ---- the end: nothing of the open window is lost
if has_ebpf:
    wait(25, lambda: status().get('ebpf', {}).get('windows', 0) >= 1)
    before = status()['ebpf']
stop(launch)
check('the launcher ends on SIGTERM', launch.returncode == 0, launch.returncode)
text = open(f'{state}/launch.log').read()
check('nothing was killed for not stopping', 'is killed' not in text, text)
if has_ebpf:
    again = start(f'{bin_dir}/watchfired', '--state', state, '--run-dir', f'{state}/run')
    wait(10, lambda: status())
    sums = api('GET', '/api/v1/timeline?selector=process_cpu%3Asamples%7Bsource%3D%22ebpf%22%7D&since=1h&step=1h')
    points = json.loads(sums[1]).get('points', [])
    check('the flushed window is in the store after a restart', sum(p['value'] for p in points) > before['stored_samples'], (points, before))
    second = subprocess.run([f'{bin_dir}/watchfired', '--state', state, '--run-dir', f'{state}/run2', '--tcp', 'off'], capture_output=True, text=True, timeout=20)
    check('a second daemon on the same store is refused', second.returncode == 1 and 'in use' in second.stderr, second.stderr)
    stop(again)

# ---- Ctrl-C in the middle of a window: every sample that was due is stored, idle or lost, to the last one
if has_ebpf:
    whole = f'{state}/whole'
    os.mkdir(whole)
    shutil.chown(whole, 'watchfire', 'watchfire')
    log = open(f'{state}/whole.log', 'w')
    first_sock, sock = sock, f'{whole}/run/control.sock'
    begun, launch = time.time(), start(f'{bin_dir}/watchfire-launch', '--state', whole, '--hz', '97', '--', '--tcp', 'off', stdout=log, stderr=log)
    wait(30, lambda: status().get('ebpf', {}).get('windows', 0) >= 1)
    time.sleep(10 - time.time() % 10 + 4)
    stop(launch, signal.SIGINT)
    seconds = time.time() - begun
    said = open(f'{state}/whole.log').read()
    m = re.search(r'eBPF: (\d+) samples expected in (\d+) windows = (\d+) stored \+ (\d+) idle \+ (\d+) lost', said)
    expected, windows, stored, idle, lost = map(int, m.groups()) if m else (0,) * 5
    print(f'     {m[0] if m else said}')
    check('Ctrl-C: expected samples = stored + idle + lost', expected and expected == stored + idle + lost, said)
    due = 97 * os.cpu_count() * seconds
    check('and they are those that were due meanwhile', 0.75 * due < expected <= 1.02 * due and windows >= 2, (expected, due, windows))
    again = start(f'{bin_dir}/watchfired', '--state', whole, '--run-dir', f'{whole}/run', '--tcp', 'off')
    wait(10, lambda: status())
    points = json.loads(api('GET', '/api/v1/timeline?selector=process_cpu%3Asamples%7Bsource%3D%22ebpf%22%7D&since=1h&step=1h')[1]).get('points', [])
    check('and the store has exactly the stored ones', sum(p['value'] for p in points) == stored, (points, stored))
    stop(again)
    sock = first_sock

# ---- without rights: no eBPF, and the rest goes on
if is_root:
    plain = f'{state}/plain'
    os.mkdir(plain)
    shutil.chown(plain, 'watchfire', 'watchfire')
    log = open(f'{state}/plain.log', 'w')
    unprivileged = start('setpriv', '--reuid=watchfire', '--regid=watchfire', '--clear-groups', f'{bin_dir}/watchfire-launch', '--state', plain,
                         stdout=log, stderr=log)
    sock = f'{plain}/run/control.sock'
    answers = wait(15, lambda: status())
    said = open(f'{state}/plain.log').read()
    check('without root the rest runs', answers and not answers['ebpf']['connected'], said)
    check('and what is missing is said', 'not root: no collector' in said, said)
    check('doctor names the collector as missing', 'BAD   collector' in cli('doctor').stdout)
    stop(unprivileged)
for p in cleanup:
    stop(p, seconds=5)
shutil.rmtree(state, ignore_errors=True)
finish()
