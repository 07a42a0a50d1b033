#!/usr/bin/env python3
"""The model's part as a whole: watchfired, watchfire-agent and an endpoint that plays a model's answers.

usage: agent_system_test.py BUILD_DIR

The endpoint reads the tools' answers and submits one right and several wrong findings out of them. As root, with the
user watchfire-agent and the group watchfire on the machine, the agent runs as the launcher would run it.
"""
import grp, http.server, json, os, pwd, re, shutil, subprocess, sys, tempfile, threading, time

build = os.path.abspath(sys.argv[1])
passed = failed = skipped = 0
KEY = 'sk-test-0815'


def check(name, good, detail=''):
    global passed, failed
    passed, failed = passed + bool(good), failed + (not good)
    print(f'{"ok  " if good else "FAIL"} {name}' + (f': {detail}' if detail and not good else ''), flush=True)


def varint(n):
    out = b''
    while n > 127:
        out, n = out + bytes([n & 127 | 128]), n >> 7
    return out + bytes([n])


def field(number, value):
    if isinstance(value, int):
        return varint(number << 3) + varint(value)
    return varint(number << 3 | 2) + varint(len(value)) + value


def pprof(stacks):
    """A CPU profile of ten seconds that ended a second ago; stacks leaf first -> samples at 100 Hz."""
    strings = ['', 'samples', 'count', 'cpu', 'nanoseconds']
    text = lambda s: strings.index(s) if s in strings else (strings.append(s), len(strings) - 1)[1]
    names = sorted({f for stack in stacks for f in stack})
    out = field(1, field(1, text('samples')) + field(2, text('count'))) + field(1, field(1, text('cpu')) + field(2, text('nanoseconds')))
    for stack, n in stacks.items():
        ids = b''.join(varint(names.index(f) + 1) for f in stack)
        out += field(2, field(1, ids) + field(2, varint(n) + varint(n * 10_000_000)))
    for i, name in enumerate(names, 1):
        out += field(4, field(1, i) + field(3, 0x1000 + i) + field(4, field(1, i) + field(2, 1)))
        out += field(5, field(1, i) + field(2, text(name)) + field(3, text(name)))
    out += b''.join(field(6, s.encode()) for s in strings)
    return out + field(9, time.time_ns() - 11_000_000_000) + field(10, 10_000_000_000) + field(11, field(1, 3) + field(2, 4)) + field(12, 10_000_000)


def submission(top, function, **changes):
    """A finding as the tools' answer `top` has it; `changes` makes it wrong."""
    cite = re.search(r'^cite: query=(.*) start=(\S+) end=(\S+) total=(\d+)', top, re.M)
    flat, cum, _, share, amount = re.search(rf'^(\d+) (\d+) (\S+) (\S+) (\S+) f\d+ {re.escape(function)}$', top, re.M).groups()
    finding = {'service': 'checkout', 'resource': 'cpu', 'cause_class': 'regex_compile', 'function': function, 'confidence': 0.8,
               'title': f'{function} compiles its expression in each call', 'explanation': 'It sits above the compiler.',
               'share': float(share), 'amount': float(amount), 'gain_bound': float(amount),
               'evidence': [{'query': cite[1], 'start': cite[2], 'end': cite[3], 'function': function,
                             'numbers': [{'name': 'cum', 'value': int(cum)}, {'name': 'total', 'value': int(cite[4])}]}]}
    if 'cum' in changes:
        finding['evidence'][0]['numbers'][0]['value'] = changes.pop('cum')
    return finding | changes


class Model(http.server.BaseHTTPRequestHandler):
    script = []   # functions of the request, each giving (status, headers, content blocks, stop reason)
    requests = []

    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers['content-length'])))
        Model.requests.append((dict(self.headers), body))
        status, headers, blocks, stop = Model.script[min(len(Model.requests), len(Model.script)) - 1](body)
        answer = {'type': 'message', 'role': 'assistant', 'content': blocks, 'stop_reason': stop, 'usage': {'input_tokens': 500, 'output_tokens': 20}}
        text = json.dumps(answer if status == 200 else {'type': 'error', 'error': {'type': 'some_error', 'message': 'busy'}}).encode()
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header('content-length', str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def log_message(self, *_):
        pass


def use(*calls):
    return [{'type': 'tool_use', 'id': f't{i}', 'name': name, 'input': data} for i, (name, data) in enumerate(calls)]


def results(body):
    return [(b['content'], b.get('is_error', False)) for b in body['messages'][-1]['content']]


end = lambda body: (200, {}, [{'type': 'text', 'text': 'done'}], 'end_turn')
server = http.server.ThreadingHTTPServer(('127.0.0.1', 0), Model)
threading.Thread(target=server.serve_forever, daemon=True).start()

work = tempfile.mkdtemp(prefix='watchfire-agent-')
os.chmod(work, 0o755)
agent_user = None
if os.geteuid() == 0:
    try:
        agent_user, group = pwd.getpwnam('watchfire-agent'), grp.getgrnam('watchfire').gr_gid
    except KeyError:
        pass


def write(name, text, owner=None):
    path = f'{work}/{name}'
    with open(path, 'w') as f:
        f.write(text)
    if owner:
        os.chown(path, owner.pw_uid, owner.pw_gid)
        os.chmod(path, 0o400)
    return path


key = write('key', KEY + '\n', agent_user)
plain = 'discovery: {enabled: false}\nanalysis: {every: 1h, first_after: 0s, window: 5m}\n'
off = write('off.yaml', plain)
config = write('watchfire.yaml', plain + f'model: {{endpoint: "http://127.0.0.1:{server.server_port}", key_file: {key}, model: m-1, max_calls: 6}}\n')
os.environ['WATCHFIRE_SOCKET'] = f'{work}/run/control.sock'


def watchfire(*words):
    p = subprocess.run([f'{build}/bin/watchfire', *words], capture_output=True, text=True, timeout=60)
    return p.stdout if p.returncode == 0 else f'exit {p.returncode}: {p.stdout}{p.stderr}'


def as_json(text):
    try:
        return json.loads(text)
    except ValueError:
        return {'error': text}


as_user = dict(user=agent_user.pw_uid, group=agent_user.pw_gid, extra_groups=[group]) if agent_user else {}


def agent(config):
    return subprocess.run([f'{build}/bin/watchfire-agent', '--config', config, '--run-dir', f'{work}/run', '--once'],
                          capture_output=True, text=True, timeout=120, **as_user)


def push(stacks):
    with open(f'{work}/profile.pb', 'wb') as f:
        f.write(pprof(stacks))
    return watchfire('push', f'{work}/profile.pb', '--label', 'service_name=checkout')


def findings(author='model'):
    return [f for f in as_json(watchfire('findings', '--json')).get('findings', []) if f['author'] == author]


def wait_for(probe, seconds=15):
    deadline = time.time() + seconds
    while not probe() and time.time() < deadline:
        time.sleep(0.1)
    return probe()


log = open(f'{work}/daemon.log', 'w')
daemon = subprocess.Popen([f'{build}/bin/watchfired', '--state', f'{work}/state', '--run-dir', f'{work}/run', '--config', config, '--tcp', 'off'], stderr=log)
try:
    check('watchfired answers', wait_for(lambda: watchfire('status').startswith('watchfired')), open(f'{work}/daemon.log').read())
    early = agent(config)
    check('before the first digest the agent says so', early.returncode == 1 and 'no digest' in early.stderr, early.stderr)
    check('a profile is taken', 'samples' in push({('re.compile', 'shop.validate', 'shop.main'): 700, ('shop.other', 'shop.main'): 300}))
    digest = as_json(watchfire('digest', '--now', '--since', '5m', '--json'))
    check('a digest is made', digest.get('services'), digest)

    idle = agent(off)
    check('without a model section nothing is asked', idle.returncode == 0 and 'no model is configured' in idle.stderr and not Model.requests, idle.stderr)

    state = {}

    def look(body):
        return 200, {}, use(('list_profiles', {}), ('top', {'service': 'checkout'}), ('shell', {'command': 'id'})), 'tool_use'

    def claim(body):
        state['answers'] = results(body)
        top = results(body)[1][0]
        return 200, {}, use(('submit_finding', submission(top, 'shop.other', cum=5_000_000_000)),
                            ('submit_finding', submission(top, 'shop.main', gain_bound=9)),
                            ('submit_finding', submission(top, 'shop.validate') | {'function': 'shop.invented'}),
                            ('submit_finding', submission(top, 'shop.validate')),
                            ('submit_finding', submission(top, 'shop.validate', title='see https://evil.example/'))), 'tool_use'

    def finish(body):
        state['verdicts'] = results(body)
        return end(body)

    Model.script = [lambda body: (429, {'retry-after': '1'}, [], ''), lambda body: (529, {}, [], ''), look, claim, finish]
    ran = agent(config)
    check('the agent ends well', ran.returncode == 0 and 'run over: 5 calls' in ran.stderr and '1 findings filed' in ran.stderr, ran.stderr)
    headers, body = Model.requests[0] if Model.requests else ({}, {})
    check('the endpoint gets key, version, model and six tools', headers.get('x-api-key') == KEY and headers.get('anthropic-version') == '2023-06-01'
          and body.get('model') == 'm-1' and len(body.get('tools', [])) == 6, headers)
    check('the first message names the service and its cost', 'checkout: ' in body['messages'][0]['content'][0]['text'], body.get('messages'))
    answers = state.get('answers', [('', False)] * 3)
    check('the tools answer over the API', '7000000000' in answers[1][0] and 'shop.validate' in answers[1][0] and not answers[1][1], answers)
    check('an unknown tool is an error for the model', answers[2][1] and 'no tool' in answers[2][0], answers[2])
    verdicts = state.get('verdicts', [('', False)] * 5)
    check('wrong number, inflated gain, invented function and link are struck', [v[1] for v in verdicts] == [True, True, True, False, True], verdicts)

    check('the right finding is open', wait_for(lambda: len(findings()) == 1), watchfire('findings', '--json'))
    found = (findings() or [{}])[0]
    check('it has the profile\'s numbers', found.get('function') == 'shop.validate' and abs(found['share'] - 0.7) < 1e-9 and abs(found['amount'] - 0.7) < 1e-9
          and found['samples'] == 700, found)
    published = wait_for(lambda: [f for f in as_json(watchfire('digest', '--json'))['findings'] if f['author'] == 'model'])
    check('the next digest tells it and no other of the model', [f['function'] for f in published or []] == ['shop.validate'] and published[0]['life'] == 'new', published)
    command = found.get('evidence', [{}])[0].get('command', '')
    shown = subprocess.run(['sh', '-c', f'PATH={build}/bin:$PATH; {command}'], capture_output=True, text=True)
    check('its command shows the function', command.startswith('watchfire peek') and 'shop.validate' in shown.stdout, command + shown.stdout + shown.stderr)
    check('the key is in no output', KEY not in ran.stdout + ran.stderr + watchfire('digest', '--json') + open(f'{work}/daemon.log').read())

    Model.requests.clear()
    Model.script = [lambda body: (200, {}, use(('top', {'service': 'checkout'})), 'tool_use')]
    ran = agent(config)
    check('endless calls end at the limit', 'run over: 6 calls' in ran.stderr and 'the limit of 6 calls ended the run' in ran.stderr and len(Model.requests) == 6, ran.stderr)
    watchfire('digest', '--now', '--since', '5m')
    check('and the next digest notes it', 'the limit of 6 calls' in watchfire('digest', '--json'), watchfire('digest', '--json'))
    check('its open finding was measured again, not doubled', len(findings()) == 1 and findings()[0]['life'] in ('open', 'new'), findings())

    began = time.time()
    for _ in range(12):  # a window in which the cost is gone: only what ended since is in it
        push({('shop.other', 'shop.main'): 300})
    late = as_json(watchfire('digest', '--now', '--since', f'{time.time() - began + 1.5:.1f}s', '--json'))
    Model.requests.clear()
    Model.script = [end]
    ran = agent(config)
    check('a cost that is gone is fixed by measurement', wait_for(lambda: not findings()), ran.stderr + str(late.get('range')) + str(findings()))

    # Left running: one run a digest, also when what it files makes another digest of the same range.
    Model.requests.clear()
    Model.script = [lambda body: (200, {}, use(('top', {'service': 'checkout'})), 'tool_use'),
                    lambda body: (200, {}, use(('submit_finding', submission(results(body)[0][0], 'shop.other'))), 'tool_use'), end]
    resident = subprocess.Popen([f'{build}/bin/watchfire-agent', '--config', config, '--state', work, '--run-dir', f'{work}/run'], stderr=subprocess.PIPE, text=True, **as_user)
    check('a resident agent runs on the digest it finds', wait_for(lambda: [f['function'] for f in findings()] == ['shop.other']), findings())
    time.sleep(7)
    runs = sum(len(body['messages']) == 1 for _, body in Model.requests)
    with open(f'/proc/{resident.pid}/status') as f:
        peak = int(re.search(r'VmHWM:\s+(\d+)', f.read())[1]) // 1024
    began = time.time()
    resident.terminate()
    resident.wait(10)
    check('and not again on its own findings', runs == 1, f'{runs} runs: {resident.stderr.read()}')
    check('ends at once when told to, within its memory', time.time() - began < 1 and peak < 128, f'{peak} MB')
    print(f'     peak memory of the agent {peak} MB')

    if agent_user:
        curl = lambda method, path: subprocess.run(['curl', '-s', '-X', method, '--unix-socket', f'{work}/run/control.sock', f'http://localhost{path}'],
                                                   capture_output=True, text=True, user=agent_user.pw_uid, group=agent_user.pw_gid, extra_groups=[group]).stdout
        check('the agent\'s user may read', '"store"' in curl('GET', '/api/v1/status'), curl('GET', '/api/v1/status'))
        check('and may not write profiles or digests', all('permission_denied' in curl('POST', p) for p in ('/api/v1/profiles?service_name=x', '/api/v1/digest', '/api/v1/findings/accept?key=x')))
    else:
        skipped += 2
        print('skip the agent\'s own user: it needs root and the user watchfire-agent')
finally:
    daemon.terminate()
    daemon.wait(30)
    log.close()
    shutil.rmtree(work, ignore_errors=True)

print(f'{passed} passed, {failed} failed, {skipped} skipped')
sys.exit(1 if failed else 0)
