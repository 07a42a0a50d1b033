#!/usr/bin/env python3
"""The `watchfire` command without a daemon: sources, formats, exit codes, terminals.

usage: cli_system_test.py BUILD_DIR

URLs and the control socket are answered by servers of this script.
"""
import fcntl, gzip, http.server, json, os, pty, re, select, shutil, socket, socketserver, ssl, struct, subprocess, sys, tempfile, termios, threading, time

here = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(here, '..', 'support'))
from checks import check, finish, skip
from random_pprof import message, number, varint

watchfire = os.path.join(os.path.abspath(sys.argv[1]), 'bin', 'watchfire')
work = tempfile.mkdtemp(prefix='watchfire-cli-')
environment = {'PATH': os.environ['PATH'], 'TZ': 'UTC', 'HOME': work + '/home', 'TERM': 'xterm', 'LC_ALL': 'C.UTF-8',
               'WATCHFIRE_SOCKET': work + '/none.sock'}


def profile(stacks, start_line=1, drop=''):
    """profile.proto of {(leaf, ..., root): 10 ms samples}."""
    strings = ['', 'samples', 'count', 'cpu', 'nanoseconds']
    text = lambda s: strings.index(s) if s in strings else (strings.append(s), len(strings) - 1)[1]
    names = sorted({f for stack in stacks for f in stack})
    out = message(1, number(1, 1) + number(2, 2)) + message(1, number(1, 3) + number(2, 4))
    for stack, n in stacks.items():
        ids = b''.join(varint(names.index(f) + 1) for f in stack)
        out += message(2, message(1, ids) + message(2, varint(n) + varint(n * 10_000_000)))
    out += message(3, number(1, 1) + number(2, 0x1000) + number(3, 0x9000) + number(5, text('/opt/app/api')) + number(6, text('cafe')))
    for i, name in enumerate(names, 1):
        out += message(4, number(1, i) + number(2, 1) + number(3, 0x1000 + i) + message(4, number(1, i) + number(2, 7)))
        out += message(5, number(1, i) + number(2, text(name)) + number(3, text(name)) + number(4, text('src/a.go')) + number(5, start_line))
    out += number(7, text(drop)) if drop else b''
    out += b''.join(message(6, s.encode()) for s in strings)
    out += number(9, 1_700_000_000_000_000_000) + number(10, 10_000_000_000) + message(11, number(1, 3) + number(2, 4))
    return gzip.compress(out + number(12, 10_000_000))


def write(name, data):
    with open(os.path.join(work, name), 'wb') as f:
        f.write(data)
    return os.path.join(work, name)


def run(*words, stdin=b'', **env):
    p = subprocess.run([watchfire, *words], input=stdin, capture_output=True, cwd=work, timeout=60, env={**environment, **env})
    return p.returncode, p.stdout.decode(errors='replace'), p.stderr.decode(errors='replace')


def on_terminal(*words, width=60, keys=(), **env):
    """What a terminal of this width shows, keys being typed one after the other."""
    pid, fd = pty.fork()
    if pid == 0:
        os.chdir(work)
        os.environ.clear()
        os.environ.update({**environment, **env})
        os.execv(watchfire, [watchfire, *words])
    fcntl.ioctl(fd, termios.TIOCSWINSZ, struct.pack('HHHH', 24, width, 0, 0))
    out, waiting = b'', list(keys)
    while True:
        if select.select([fd], [], [], 0.4 if waiting else 5)[0]:
            try:
                data = os.read(fd, 65536)
            except OSError:
                break
            if not data:
                break
            out += data
        elif waiting:
            os.write(fd, waiting.pop(0))
        else:
            break
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), out.decode(errors='replace')


ONE = {('hot', 'main'): 60, ('cold', 'main'): 40}
one, two = write('one.pb.gz', profile(ONE)), write('two.pb.gz', profile({('hot', 'main'): 90, ('cold', 'main'): 10}))
evil = write('evil.pb.gz', profile({('bad\x1b[31mname' + 'x' * 80, 'main'): 1}))
empty = write('empty.pb.gz', profile({}))


class Answers(http.server.BaseHTTPRequestHandler):
    paths = []
    elsewhere = ''

    def do_GET(self):
        Answers.paths.append(self.path)
        if self.path.startswith('/moved'):
            self.send_response(302)
            self.send_header('Location', '/profile?seconds=3')
            self.end_headers()
        elif self.path.startswith('/elsewhere'):
            self.send_response(302)
            self.send_header('Location', Answers.elsewhere)
            self.end_headers()
        elif self.path.startswith('/loop'):
            self.send_response(302)
            self.send_header('Location', '/loop')
            self.end_headers()
        elif 'missing' in self.path:
            self.send_response(404)
            self.send_header('X-Go-Pprof', '1')
            self.send_header('Content-Type', 'text/plain; charset=utf-8')
            self.end_headers()
            self.wfile.write(b'Unknown \x1b[31mprofile\n')
        elif 'slow' in self.path:
            time.sleep(20)
        elif 'pause' in self.path:
            time.sleep(1.5)
            self.send_response(200)
            self.end_headers()
            self.wfile.write(profile(ONE))
        else:
            body = profile({('hot', 'main'): 90, ('cold', 'main'): 10} if '/2' in self.path else ONE)
            self.send_response(200)
            if self.path.startswith('/api/'):
                self.send_header('X-Watchfire-Status', '{"partial":true,"notes":["the oldest hour is missing"]}')
            self.end_headers()
            self.wfile.write(body)

    def log_message(self, *_):
        pass

    def address_string(self):
        return ''


class UnixServer(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
    daemon_threads = True


def serve(server):
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server


def test_exit_codes():
    for name, words, code in (
            ('good', ['top', one], 0), ('no command', [], 2), ('an unknown command', ['frob'], 2), ('help', ['--help'], 0),
            ('an unknown flag', ['top', '--frob', one], 2), ('a bad option value', ['top', '--granularity=x', one], 2),
            ('a file that is not there', ['top', 'nothing'], 1), ('a file that is no profile', ['top', watchfire], 1),
            ('no daemon', ['top'], 3), ('no server', ['top', '127.0.0.1:1'], 3), ('no samples', ['top', empty], 4),
            ('no function that matches', ['peek', 'zzz', one], 4), ('filters that leave nothing', ['top', '--focus=zzz', one], 4),
            ('pprof on failure', ['pprof', '-top', 'nothing'], 2), ('pprof with http', ['pprof', '-http=:0', one], 2),
            ('pprof with a picture', ['pprof', '-svg', one], 2), ('pprof help', ['pprof', '-h'], 0)):
        got = run(*words)
        check(f'exit code of {name} is {code}', got[0] == code, got)


def test_what_is_wrong_with_files_is_no_missing_daemon():
    for name, words in (
            ('a directory as source', ['top', work]), ('an output in no directory', ['convert', one, '--to', 'folded', '-o', work + '/no/x']),
            ('an output that is a directory', ['convert', one, '--to', 'folded', '-o', work]), ('a report into a directory', ['top', one, '-o', work]),
            ('a comparison of nothing', ['compare', 'nothing']), ('a comparison into a directory', ['compare', one, '-o', work]),
            ('an analysis of nothing', ['analyze', 'nothing']), ('a query into a directory', ['merge', one, '-o', work])):
        got = run(*words)
        check(f'exit code of {name} is 1', got[0] == 1 and got[2].count('\n') <= 2, got)
    got = run('top', work)
    check('a directory is told once, with what to do', got[2].count(work) <= 2 and 'is a directory' in got[2] and '*' in got[2], got)


def test_hints():
    def told(name, words, *texts):
        code, _, err = run(*words)
        check(name, code == 2 and all(t in err for t in texts) and len(err) < 300, (code, err))
    told('a command that is misspelt', ['tpo', one], 'no command tpo', 'did you mean top?')
    told('a file in place of a command', [one], 'no command', f'watchfire top {one}')
    told('an option that is misspelt', ['top', '--focsu', 'x', one], '--focsu', 'Did you mean --focus?')
    told('an option as pprof writes it', ['top', '-cum', one], 'Did you mean --cum?')
    told('an option that is like none', ['top', '--frobnicate', one], '--frobnicate')
    told('a flag of pprof that is misspelt', ['pprof', '-top', '-focsu=x', one], 'not defined: -focsu', 'did you mean -focus?')
    told('a report of pprof that is misspelt', ['pprof', '-tre', one], 'did you mean -tree?')
    for command in ('peek', 'list'):
        told(f'{command} of a file without a function', [command, one], 'FUNCTION', f'watchfire {command} FUNCTION')
    got = run('top')
    check('where no daemon is, no port is named', 'none.sock: No such file or directory' in got[2] and 'port' not in got[2], got)
    for command in ('top', 'pprof'):
        check(f'help {command} is its --help', run('help', command) == run(command, '--help') != run('help'), run('help', command))
    check('help of no command', run('help', 'frob')[0] == 2, run('help', 'frob'))
    _, text, _ = run('--help')
    check('what has no hint has the usage', text.split('\n')[0] in run('frob')[2], run('frob'))


def test_reports():
    code, out, _ = run('top', one)
    check('top names functions and shares', '600ms 60.00% 60.00%' in out and 'hot' in out, out)
    for words in (['top'], ['tree'], ['peek', 'hot'], ['list', 'hot'], ['traces'], ['tags'], ['info'], ['flame']):
        code, out, err = run(*words, one, '--json')
        try:
            json.loads(out)
            good = code == 0
        except ValueError:
            good = False
        check(f'{words[0]} --json is JSON', good, out + err)
    code, out, _ = run('diff', one, two, '--json')
    rows = {r['name']: r['flat'] for r in json.loads(out)['rows']}
    check('diff counts what became more and less', rows == {'hot': 300_000_000, 'cold': -300_000_000}, out)
    check('diff as folded stacks', run('diff', one, two, '--folded', '--type', 'samples')[1] == 'main;cold 40 10\nmain;hot 60 90\n')
    code, out, _ = run('info', one)
    check('info tells format, types, samples, duration and build ids', all(w in out for w in
          ('pprof, gzip', 'cpu/nanoseconds, total 1s (default)', '2 with 2 distinct stacks', '10s', '/opt/app/api, build id cafe')), out)
    check('a hostile name reaches no terminal and no pipe raw', '\x1b' not in run('top', evil)[1] and r'\x1b[31m' in run('top', evil)[1])
    check('pprof stays as the profile is in a pipe', '\x1b[31m' in run('pprof', '-top', evil)[1])


def test_differing_types():
    heap = write('heap.pb', gzip.decompress(profile(ONE)).replace(b'samples', b'objects').replace(b'cpu', b'spa'))
    for words in (['merge', one, heap, '-o', 'x.pb.gz'], ['diff', one, heap], ['pprof', '-top', one, heap]):
        got = run(*words)
        check(f'{words[0]} of differing types says which there are', got[0] != 0 and 'one has [' in got[2] and '[samples cpu]' in got[2] and '[objects spa]' in got[2], got)


def test_sources_of_list():
    os.makedirs(work + '/checkout/src', exist_ok=True)
    write('checkout/src/a.go', b''.join(b'line %d\n' % i for i in range(1, 20)))
    wanted = run('pprof', '-list=hot', '-source_path=' + work + '/checkout', one)[1]
    check('list finds sources where it is told', 'line 7' in wanted and run('list', 'hot', one, '--source-path', work + '/checkout')[1] == wanted, wanted)
    got = run('list', 'hot', one, '--trim-path', 'src', '--source-path', work + '/checkout/src')
    check('list cuts a prefix off paths', 'line 7' in got[1], got)


def test_frames_that_a_profile_calls_uninteresting():
    dropping = write('dropping.pb.gz', profile(ONE, drop='hot|cold'))
    wanted = run('pprof', '-top', '-nodecount=30', dropping)[1]
    check('top shows what pprof -top does', run('top', dropping)[1] == wanted and 'hot' not in wanted, wanted)
    check('flame graphs, folded stacks and differences leave them out', all('hot' not in run(*words)[1] for words in (
        ['flame', dropping], ['convert', dropping, '--to', 'folded'], ['convert', dropping, '--to', 'html'],
        ['diff', dropping, dropping, '--folded'])), run('convert', dropping, '--to', 'folded'))
    for words in (['flame', one], ['flame', one, '--base', two], ['convert', one, '--to', 'folded'], ['convert', one, '--to', 'html']):
        check(f'{words[0]} of {len(words)} words says that filters left nothing', run(*words, '--focus', 'zzz', '-o', 'x')[0] == 4 and run(*words, '-o', 'x')[0] == 0)
    check('an empty profile is converted', run('convert', empty, '--to', 'folded')[0] == 0)
    check('they stay in a file of the same format', run('convert', dropping, '--to', 'pprof', '-o', 'kept.pb.gz')[0] == 0 and
          'hot' in run('pprof', '-top', '-all_frames', 'kept.pb.gz')[1], run('pprof', '-top', '-all_frames', 'kept.pb.gz'))


def test_writing():
    check('merge adds', run('merge', one, two, '-o', 'sum.pb.gz')[0] == 0 and 'total 2s' in run('info', 'sum.pb.gz')[1])
    for to, start in (('folded', 'main;cold 400000000\n'), ('flamegraph', '<?xml'), ('html', '<!doctype html>'), ('callgrind', 'positions:'), ('dot', 'digraph'), ('json', '{"total"')):
        got = run('convert', one, '--to', to)
        check(f'convert to {to}', got[0] == 0 and got[1].startswith(start), got)
    run('convert', one, '--to', 'pprof', '-o', 'copy.pb.gz', '--focus', 'hot')
    check('convert keeps what filters leave', 'total 600ms' in run('info', 'copy.pb.gz')[1], run('info', 'copy.pb.gz'))
    check('convert to pgo', run('convert', one, '--to', 'pgo', '-o', 'default.pgo')[0] == 0 and os.path.getsize(work + '/default.pgo') > 50)
    folded = run('convert', one, '--to', 'folded', '-o', 'x.folded', '--json')
    check('convert --json says what was written', json.loads(folded[1])['bytes'] == os.path.getsize(work + '/x.folded'), folded)
    check('folded stacks are read again', run('convert', 'x.folded', '--to', 'folded')[1].startswith('main;cold 400000000'))
    write('kept', b'before')
    got = run('convert', 'nothing', '--to', 'folded', '-o', 'kept')
    with open(work + '/kept', 'rb') as f:
        check('a failure leaves the old file', got[0] == 1 and f.read() == b'before')
    limited = run('top', '--limit-samples=1', one)
    check('an exceeded limit names its flag', limited[0] == 1 and '--limit-samples=N' in limited[2], limited)
    check('a raised limit is taken', run('top', '--limit-samples=2', '--limit-string-bytes=1MB', one)[0] == 0)


def test_flame():
    read = lambda name: open(f'{work}/{name}').read()
    check('the name of the file asks for HTML', run('flame', one, '-o', 'one.html')[0] == 0 and '<!doctype html>' in read('one.html'))
    check('and else it is SVG', run('flame', one, '-o', 'one.svg')[0] == 0 and read('one.svg').startswith('<?xml'))
    y = lambda svg, name: int(re.search(rf'<title>{name} .*?y="(\d+)"', svg)[1])
    svg, icicle = run('flame', one)[1], run('flame', one, '--inverted')[1]
    check('--inverted has its root on top', y(svg, 'all') > y(svg, 'hot') and y(icicle, 'all') < y(icicle, 'hot'), icicle)
    check('--reversed begins at leaves', y(run('flame', one, '--reversed')[1], 'hot') > y(run('flame', one, '--reversed')[1], 'main'))
    base = run('flame', two, '--base', one)
    diff = run('diff', one, two, '--flame')
    check('a base gives a difference', base[0] == 0 and '; +' in base[1] and 'rgb(255,0,0)' in base[1], base)
    check('diff --flame draws the same', diff[0] == 0 and re.findall('fill="rgb.*?"', diff[1]) == re.findall('fill="rgb.*?"', base[1]), diff)
    check('--negate turns colours', 'rgb(0,0,255)' in run('flame', two, '--base', one, '--negate')[1])
    for words in (['flame', one, '--negate'], ['flame', one, '--base', two, '--json'], ['diff', one, two, '--html'], ['diff', one, two, '--flame', '--tree']):
        got = run(*words)
        check(f'what has no meaning is wrong usage: {words[2:]}', got[0] == 2, got)
    check('filters leave what matches', '>cold (' not in run('flame', one, '--focus', 'hot')[1])


def test_terminal():
    code, out = on_terminal('top', evil, width=60)
    lines = [line for line in out.replace('\x1b[31m', '').replace('\x1b[33m', '').replace('\x1b[1m', '').replace('\x1b[0m', '').split('\r\n')]
    check('lines fit the terminal', code == 0 and max(map(len, lines)) == 60 and '\u2026' in out, out)
    check('a terminal gets colours', '\x1b[31m' in on_terminal('top', one)[1])
    check('but not with NO_COLOR', '\x1b[' not in on_terminal('top', one, NO_COLOR='1')[1])
    check('a pipe gets none', '\x1b[' not in run('top', one)[1] and '\x1b[1m' in run('top', one, '--color=always')[1])
    check('pprof escapes on a terminal', r'bad\x1b[31mname' in on_terminal('pprof', '-top', evil, width=200)[1])
    code, out = on_terminal('merge', one, two)
    check('bytes are kept from a terminal', code == 2 and '--output' in out, out)
    code, out = on_terminal('pprof', '-proto', one)
    check('proto goes to a file instead', code == 0 and os.path.exists(work + '/profile001.pb.gz'), out)
    code, out = on_terminal('pprof', one, keys=[b'top 1\n', b'pe\t', b' hot\n', b'\x1b[A\n', b'web\n', b'\x04'])
    check('the shell reports', code == 0 and out.count('600ms 60.00% 60.00%') >= 1, out)
    check('the shell completes and remembers', out.count('| main') == 0 and out.count('600ms   100% |   main') >= 2, out)
    check('the shell refuses by name', 'not supported yet: web' in out, out)


def test_urls():
    server = serve(http.server.ThreadingHTTPServer(('127.0.0.1', 0), Answers))
    host = f'127.0.0.1:{server.server_port}'
    code, out, err = run('pprof', '-top', '-seconds=1', host)
    check('HOST:PORT is the CPU profile', code == 0 and Answers.paths[-1] == '/debug/pprof/profile?seconds=1' and 'hot' in out, err)
    got = run('top', '--seconds', '2', host)
    check('the short commands say for how long, too', Answers.paths[-1] == '/debug/pprof/profile?seconds=2' and 'hot' in got[1], got)
    check('no time is no number', run('top', '--seconds', 'soon', host)[0] == 2 and run('top', '--seconds', '0', host)[0] == 2)
    check('fetching is told', f'Fetching profile over HTTP from http://{host}/debug/pprof/profile?seconds=1\nPlease wait... (1s)\n' in err, err)
    saved = work + '/home/pprof/pprof.api.samples.cpu.001.pb.gz'
    check('a copy is saved', f'Saved profile in {saved}' in err and 'total 1s' in run('info', saved)[1], err)
    err = run('pprof', '-top', f'http://{host}/2', PPROF_TMPDIR=work + '/tmp')[2]
    check('PPROF_TMPDIR is where', f'Saved profile in {work}/tmp/pprof.api' in err, err)
    out = run('pprof', '-top', f'-base=http://{host}/profile', f'http://{host}/2')[1]
    check('a base may be a URL', '-0.30s' in out or '-300ms' in out, out)
    check('redirects are followed', 'hot' in run('top', f'http://{host}/moved')[1] and Answers.paths[-1] == '/profile?seconds=3')
    check('not for ever', '10 redirects' in run('top', f'http://{host}/loop')[2])
    got = run('pprof', '-top', f'http://{host}/missing')
    check('a refusal is told, escaped', got[0] == 2 and r'server response: 404 Not Found - Unknown \x1b[31mprofile' in got[2], got)
    start = time.time()
    got = run('pprof', '-top', '-timeout=1', f'http://{host}/slow')
    check('a program that never answers is given up', got[0] == 2 and time.time() - start < 15, got)
    check('what takes long is told on a terminal', '/pause ... 1 s' in on_terminal('top', f'http://{host}/pause', width=200)[1])
    check('but not in a pipe', '1 s' not in run('top', f'http://{host}/pause')[2])
    check('two are fetched and merged', '2s' in run('info', f'http://{host}/a', f'http://{host}/2')[1])
    check('what is too long is refused', run('top', '--limit-compressed-bytes=20', f'http://{host}/a')[0] != 0)
    server.shutdown()


def test_tls():
    if not shutil.which('openssl'):
        return skip('TLS: no openssl')
    subprocess.run(['openssl', 'req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-keyout', 'key.pem', '-out', 'cert.pem', '-days', '2',
                    '-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost,IP:127.0.0.1'], cwd=work, check=True, capture_output=True)
    server = http.server.ThreadingHTTPServer(('127.0.0.1', 0), Answers)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(work + '/cert.pem', work + '/key.pem')
    server.socket = context.wrap_socket(server.socket, server_side=True)
    serve(server)
    url = f'https://127.0.0.1:{server.server_port}/profile'
    got = run('pprof', '-top', url)
    check('an unknown issuer is refused, with what to do', got[0] == 2 and '-tls_ca' in got[2] and 'https+insecure' in got[2], got)
    check('-tls_ca names the issuer', 'hot' in run('pprof', '-top', '-tls_ca=cert.pem', url)[1])
    check('https+insecure takes any', 'hot' in run('pprof', '-top', url.replace('https', 'https+insecure'))[1])
    plain = http.server.ThreadingHTTPServer(('127.0.0.1', 0), Answers)
    serve(plain)
    Answers.elsewhere = url.replace('https', 'https+insecure')
    code, out, _ = run('pprof', '-top', f'http://127.0.0.1:{plain.server_port}/elsewhere')
    check('a redirect cannot switch verification off', code == 2 and 'hot' not in out, out)
    plain.shutdown()
    check('a key without a certificate is told', '-tls_key is specified, so -tls_cert must also be specified' in run('pprof', '-top', '-tls_key=key.pem', url)[2])
    server.shutdown()


def test_other_sources():
    with open(one, 'rb') as f:
        data = f.read()
    check('standard input is a source', 'hot' in run('top', '-', stdin=data)[1] and 'hot' in run('pprof', '-top', '-', stdin=data)[1])
    # Pipes can be read only once, also where the types differ and files would be read again.
    write('one.pb.gz', data)
    write('other.pb', gzip.decompress(data).replace(b'samples', b'sampler'))
    by_pipes, by_files = (subprocess.run(['bash', '-c', f'{watchfire} pprof -raw {words}'], capture_output=True, text=True, cwd=work, env=environment)
                          for words in ('<(cat one.pb.gz) <(cat other.pb)', 'one.pb.gz other.pb'))
    check('sources may be pipes', by_pipes.returncode == 0 and 'hot' in by_pipes.stdout and by_pipes.stdout == by_files.stdout, (by_pipes, by_files))
    check('patterns are expanded', 'total 2s' in run('info', 'o[n]e.pb.gz', 't*o.pb.gz')[1])
    server = serve(UnixServer(work + '/control.sock', Answers))
    socket_flag = '-socket=' + work + '/control.sock'
    for source, asked in (('store:process_cpu:cpu{service_name="a@b"}@1h', 'selector=process_cpu%3Acpu%7Bservice_name%3D%22a%40b%22%7D&since=1h'),
                          ('store:cpu@now-2h..now-1h', 'end=now-1h&selector=cpu&start=now-2h'), ('store:cpu', 'selector=cpu')):
        got = run('pprof', socket_flag, '-top', source)
        check(f'{source} asks the daemon', 'hot' in got[1] and Answers.paths[-1] == '/api/v1/profile?' + asked, got[2] + Answers.paths[-1])
    for words in (['pprof', socket_flag, '-top', 'store:cpu'], ['info', '--socket', work + '/control.sock', '--service', 'api']):
        got = run(*words)
        check(f'{words[0]} says when the answer is cut', got[0] == 0 and 'the oldest hour is missing\nthe answer is cut' in got[2], got)
    got = run('top', '--socket', work + '/control.sock', 'store:missing')
    check('what the daemon refuses is told', got[0] != 0 and '404' in got[2], got)
    server.shutdown()


def test_manual_and_completion():
    commands = re.findall(r'^  ([a-z]+) ', run('--help')[1].split('commands:')[1].split('\n\n')[0], re.M)
    with open(os.path.join(here, '..', '..', 'docs', 'man', 'watchfire.1')) as f:
        manual = f.read()
    missing = [c for c in commands if not re.search(rf'\b{c}\b', manual)]
    check('the manual names every command', len(commands) > 15 and not missing, missing)
    flags = re.findall(r'--[a-z-]+', run('top', '--help')[1])
    told = manual.replace('\\-', '-')
    missing = [f for f in flags if f not in told and f != '--help' and '_' not in f and f not in ('--socket',)]
    check('and every option of reports', len(flags) > 20 and not missing, missing)
    completion = os.path.join(here, '..', '..', 'cli', 'completion', 'watchfire.bash')
    def complete(*words):
        line = f'source {completion}; COMP_WORDS=({" ".join(words)} "$1"); COMP_CWORD={len(words)}; _watchfire 2>/dev/null; echo "${{COMPREPLY[@]}}"'
        return lambda start: subprocess.run(['bash', '-c', line, 'bash', start], capture_output=True, text=True, cwd=work, env=environment).stdout.split()
    check('bash completes commands', complete(watchfire)('t') == ['targets', 'top', 'tree', 'traces', 'tags'], complete(watchfire)('t'))
    check('and options', '--focus' in complete(watchfire, 'top')('--fo') and '-sample_index' in complete(watchfire, 'pprof')('-sam'))
    check('and formats', complete(watchfire, 'convert', '--to')('f') == ['folded', 'flamegraph'])
    check('and files', complete(watchfire, 'top')('one') == ['one.pb.gz'])


try:
    for test in (test_manual_and_completion, test_exit_codes,
                 test_what_is_wrong_with_files_is_no_missing_daemon, test_hints, test_reports, test_sources_of_list, test_differing_types,
                 test_frames_that_a_profile_calls_uninteresting, test_writing, test_flame, test_terminal, test_urls, test_tls, test_other_sources):
        test()
finally:
    shutil.rmtree(work, ignore_errors=True)
finish()
