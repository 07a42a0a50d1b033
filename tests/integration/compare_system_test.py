#!/usr/bin/env python3
"""`watchfire compare` against what the example's phases really cost, and against names that mean harm.

usage: compare_system_test.py BUILD_DIR

examples/inverted-index/totals.json has the truth: CPU by the kernel's clocks, allocations by Go's counters. Where `go`
is installed the example is built and recorded once more, small.
"""
import fcntl, gzip, json, math, os, pty, re, shutil, struct, subprocess, sys, tempfile, termios

here = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(here, '..', 'support'))
from checks import check, finish, skip
from random_pprof import message, number, varint

watchfire = os.path.join(os.path.abspath(sys.argv[1]), 'bin', 'watchfire')
example = os.path.abspath(os.path.join(here, '..', '..', 'examples', 'inverted-index'))
work = tempfile.mkdtemp(prefix='watchfire-compare-')
environment = {**os.environ, 'LC_ALL': 'C.UTF-8', 'WATCHFIRE_SOCKET': work + '/none.sock'}


def compare(*words):
    p = subprocess.run([watchfire, 'compare', *words], capture_output=True, cwd=work, timeout=60, env=environment)
    return p.returncode, p.stdout.decode(), p.stderr.decode()


def cpu_profile(stacks, seconds=10):
    """profile.proto of {(leaf, ..., root): 10 ms samples}."""
    strings = ['', 'samples', 'count', 'cpu', 'nanoseconds']
    text = lambda s: strings.index(s) if s in strings else (strings.append(s), len(strings) - 1)[1]
    names = sorted({f for stack in stacks for f in stack})
    out = message(1, number(1, 1) + number(2, 2)) + message(1, number(1, 3) + number(2, 4))
    for stack, n in stacks.items():
        ids = b''.join(varint(names.index(f) + 1) for f in stack)
        out += message(2, message(1, ids) + message(2, varint(n) + varint(n * 10_000_000)))
    for i, name in enumerate(names, 1):
        out += message(4, number(1, i) + number(3, 0x1000 + i) + message(4, number(1, i) + number(2, 7)))
        out += message(5, number(1, i) + number(2, text(name)) + number(3, text(name)) + number(4, text('a.go')))
    out += b''.join(message(6, s.encode()) for s in strings)
    out += number(10, int(seconds * 1e9)) + message(11, number(1, 3) + number(2, 4)) + number(12, 10_000_000)
    return gzip.compress(out)


def write(path, data):
    path = os.path.join(work, path)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, 'wb') as f:
        f.write(data)
    return path


def perf_text(event, samples):
    """Output of perf script with this many samples of a million."""
    return ''.join(f'app 7/7 {i}.0: 1000000 {event}: \n\t    401000 work (/bin/app)\n\n' for i in range(samples)).encode()


def test_perf():
    for event, kind in (('cycles', 'cycles_event'), ('cpu-clock:u', 'cpu'), ('task-clock', 'cpu')):
        files = [write(f'perf-{event}/{name}.txt', perf_text(event, n)) for name, n in (('less', 100), ('more', 110))]
        sections = json.loads(compare(*files, '--json')[1])['sections']
        ranking = sections[0]['ranking']
        check(f'perf: {event} are compared once, with the errors of their samples', len(sections) == 1 and sections[0]['type'] == kind and
              [(p['samples'], p['value'], round(p['error'])) for p in ranking] == [(100, 100e6, 10e6), (110, 110e6, round(110e6 / math.sqrt(110)))],
              json.dumps(sections)[:600])
        check(f'perf: {event} of two recordings tie within them', all(p['tied'] for p in ranking), ranking)


def is_of_kind(value, kind):
    """Whether JSON has the form of `kind`: types, [form], {key: form}."""
    if isinstance(kind, dict):
        return isinstance(value, dict) and set(value) == set(kind) and all(is_of_kind(value[k], kind[k]) for k in kind)
    if isinstance(kind, list):
        return isinstance(value, list) and all(is_of_kind(v, kind[0]) for v in value)
    if kind is float:
        return isinstance(value, (int, float)) and not isinstance(value, bool)
    return isinstance(value, kind) and (kind is bool or not isinstance(value, bool))


CELL = {'value': float, 'error': float, 'share': float, 'share_error': float}
SECTION = {
    'phase': str, 'kind': str, 'type': str, 'unit': str,
    'ranking': [{'implementation': str, 'rank': int, 'tied': bool, 'few_samples': bool, 'value': float, 'error': float,
                 'samples': float, 'runs': int, 'ratio': float, 'ratio_error': float, 'explanation': str,
                 'gaps': [{'component': str, 'value': float, 'error': float, 'is_chance': bool, 'function': str,
                           'of_function': float}]}],
    'holds_back': [{'component': str, 'function': str, 'value': float, 'error': float, 'share': float,
                    'share_error': float, 'best_ratio': float}],
    'components': [{'component': str, 'cells': [CELL]}],
    'functions': [{'function': str, 'cells': [CELL]}],
    'parts': [{'component': str, 'function': str, 'cells': [CELL]}],
}
ANSWER = {'min_samples': float, 'verdict': [str], 'sections': [SECTION], 'notes': [str]}
TRUTH = {'cpu': ('cpu', 'cpu_seconds', 1e9), 'alloc_space': ('alloc', 'alloc_bytes', 1),
         'alloc_objects': ('alloc', 'alloc_objects', 1)}


def agrees_with_truth(directory, what):
    """Every total is within 3 standard errors or 5 % of the truth; whoever ranks before another one really costs less,
    unless the truths are closer than the errors; a tie is no further apart than its errors."""
    with open(os.path.join(directory, 'totals.json')) as f:
        totals = json.load(f)['totals']
    code, out, err = compare(os.path.join(directory, 'profiles'), '--json', '--rows', '1000')
    if not check(f'{what}: is compared', code == 0, err):
        return None
    answer = json.loads(out)
    check(f'{what}: JSON has its form', is_of_kind(answer, ANSWER), out[:300])
    off, disordered, parted, untied, pairs = [], [], [], [], 0
    for s in answer['sections']:
        kind, field, scale = TRUTH[s['type']]
        true = {t['implementation']: t[field] * scale for t in totals if t['phase'] == s['phase'] and t['kind'] == kind}
        ranking = s['ranking']
        for r in ranking:
            if abs(r['value'] - true[r['implementation']]) > max(3 * r['error'], 0.05 * r['value']):
                off.append((s['phase'], s['type'], r['implementation'], r['value'], r['error'], true[r['implementation']]))
        for i, a in enumerate(ranking):
            for b in ranking[i + 1:]:
                pairs += 1
                error = 2 * math.hypot(a['error'], b['error'])
                if true[a['implementation']] - true[b['implementation']] > error:
                    disordered.append((s['phase'], s['type'], a['implementation'], b['implementation']))
        for r in ranking:
            leader = next(x for x in ranking if x['rank'] == r['rank'])
            apart = r['value'] - leader['value'] > 2 * math.hypot(r['error'], leader['error']) + 1e-9
            if r is not leader and (apart or not r['tied']):
                untied.append((s['phase'], s['type'], r['implementation']))
        for rows in ('components', 'functions', 'parts'):
            for i, r in enumerate(ranking):
                if abs(sum(row['cells'][i]['value'] for row in s[rows]) - r['value']) > 1e-6 * r['value']:
                    parted.append((s['phase'], s['type'], rows, r['implementation']))
    check(f'{what}: totals are within 3 errors or 5 % of the truth', not off, off)
    check(f'{what}: the order of {pairs} pairs is the true one', pairs > 0 and not disordered, disordered)
    check(f'{what}: equal ranks are ties within the error', not untied, untied)
    check(f'{what}: the parts of a total add up to it', not parted, parted)
    return answer


def test_example():
    answer = agrees_with_truth(example, 'example')
    if answer is None:
        return
    sizes = [os.path.getsize(os.path.join(example, 'profiles', f)) for f in os.listdir(os.path.join(example, 'profiles'))]
    check('example: 32 small profiles', len(sizes) == 32 and max(sizes) < 40_000 and sum(sizes) < 700_000, sizes)
    check('example: six sections of eight implementations', len(answer['sections']) == 6 and
          all(len(s['ranking']) == 8 for s in answer['sections']))
    check('example: the sum of the phases is a verdict', any('together' in v for v in answer['verdict']), answer['verdict'])
    code, out, err = compare(os.path.join(example, 'profiles'), '--phase', 'build')
    names = [r['implementation'] for r in answer['sections'][0]['ranking']]
    best = names[0]
    check('example: text has a ranking, two sentences each and what holds the fastest back', code == 0 and
          all(re.search(rf'^  [A-H]  {n} takes \d', out, re.M) for n in names) and f'What holds {best} back' in out and
          'query' not in out, out[:2000])
    for n in names[1:]:
        said = re.search(rf'^  [A-H]  ({n} takes .*?)\n(?=  [A-H]  |\n)', out, re.M | re.S)
        text = ' '.join(said[1].split()) if said else ''
        check(f'example: {n} is explained by numbers and functions', len(re.findall(r'\. [A-Z]|\.$', text)) <= 3 and
              re.search(r'[+-]\d+\.\d\d s, (mostly|first of all) in \w', text) and f'{best}' in text, text)
    check('example: B-trees pay for comparing, maps for maps', 'btree.(*node).find' in out and 'maps' in out)


def test_ranking():
    write('p/fast.build.cpu.pprof', cpu_profile({('main.work', 'main.main'): 400}))
    write('p/near.build.cpu.pprof', cpu_profile({('main.work', 'main.main'): 420}))
    write('p/slow.build.cpu.1.pprof', cpu_profile({('main.work', 'main.main'): 500, ('runtime.mallocgc', 'main.grow'): 400}, 20))
    write('p/slow.build.cpu.2.pprof', cpu_profile({('main.work', 'main.main'): 500, ('runtime.mallocgc', 'main.grow'): 600}, 20))
    write('p/short.query.cpu.pprof', cpu_profile({('main.work', 'main.main'): 12}))
    write('p/readme.txt', b'nothing')
    code, out, err = compare('p', '--json')
    sections = {s['phase']: s for s in json.loads(out)['sections']}
    ranking = sections['build']['ranking']
    check('a tie within the error is called a tie', [(r['implementation'], r['rank'], r['tied']) for r in ranking] ==
          [('fast', 1, True), ('near', 1, True), ('slow', 3, False)] and 'a tie with fast' in ranking[1]['explanation'], ranking)
    check('runs are one implementation, and their spread its error', ranking[2]['runs'] == 2 and
          abs(ranking[2]['value'] - 10e9) < 1 and abs(ranking[2]['error'] - 1e9) < 1e6, ranking[2])
    check('a gap is explained by component and function', 'allocation (+5.00 s, mostly in main.grow)' in ranking[2]['explanation'],
          ranking[2]['explanation'])
    short = sections['query']['ranking'][0]
    check('too few samples are marked', short['few_samples'] and 'With 12 samples of at least 100' in short['explanation'], short)
    code, out, err = compare('p', '--phase', 'query')
    check('the mark is in the text', re.search(r'A 1\?\s+short', out), out)
    check('files that do not follow the pattern are told', 'readme.txt is left out' in compare('p')[1])
    code, out, err = compare('p', '--phase', 'none')
    check('an unknown phase says which there are', code == 4 and 'build, query' in err, (code, err))


def test_names():
    write('q/cpu-old@load', cpu_profile({('main.work',): 300}))
    write('q/cpu-new@load', cpu_profile({('main.work',): 200}, 5))
    code, out, err = compare('q')
    check('without a name that fits nothing is found', code == 4 and '--pattern' in err, (code, out, err))
    code, out, err = compare('q', '--pattern', '{kind}-{impl}@{phase}', '--json')
    s = json.loads(out)['sections'][0] if code == 0 else {}
    check('the pattern is settable', code == 0 and s['phase'] == 'load' and s['kind'] == 'cpu' and
          [r['implementation'] for r in s['ranking']] == ['new', 'old'], (code, out, err))
    check('a bad pattern is wrong usage or fails with a reason', compare('q', '--pattern', '{name}')[0] in (1, 2))
    code, out, err = compare('q/cpu-old@load', 'q/cpu-new@load', '--json')
    check('files named one by one need no pattern', code == 0 and
          [r['implementation'] for r in json.loads(out)['sections'][0]['ranking']] == ['cpu-new@load', 'cpu-old@load'], (out, err))
    write('r/a.build.cpu.pprof', cpu_profile({('main.work',): 300}))
    write('r/b.build.cpu.pprof', b'\x1f\x8b broken')
    code, out, err = compare('r')
    check('a broken profile is left out and told', code == 0 and 'b.build.cpu.pprof is left out' in out, (code, out, err))
    check('a directory that is not there fails', compare('nowhere')[0] != 0)


def on_terminal(*words, width=80):
    pid, fd = pty.fork()
    if pid == 0:
        os.chdir(work)
        os.execvpe(watchfire, [watchfire, 'compare', *words], {**environment, 'TERM': 'xterm'})
    fcntl.ioctl(fd, termios.TIOCSWINSZ, struct.pack('HHHH', 40, width, 0, 0))
    out = b''
    try:
        while chunk := os.read(fd, 65536):
            out += chunk
    except OSError:
        pass
    os.waitpid(pid, 0)
    return out


def test_hostile():
    evil = '<img src=x onerror=alert(1)>"\'\x1b]0;owned\x07\n'
    write('h/' + f'{evil}.{evil}.cpu.pprof', cpu_profile({(f'main.{evil}', evil): 300}))
    write('h/b.build.cpu.pprof', cpu_profile({('</style><script>alert(2)</script>',): 300}))
    code, html, err = compare('h', '--html')
    check('HTML: hostile names are text', code == 0 and '<img' not in html and '<script' not in html and
          html.count('<style>') == html.count('</style>') == 1 and '&lt;img' in html and '\x1b' not in html, html[:500])
    check('HTML: nothing is requested', not re.search(r'\bsrc=|href=|url\(|@import|https?:', html.replace('src=x onerror', '')) and
          "default-src 'none'" in html)
    check('HTML: light and dark', 'prefers-color-scheme: dark' in html and 'color-scheme: light dark' in html)
    terminal = on_terminal('h')
    check('terminal: no control sequence of a name gets through', b'\x1b]' not in terminal and b'\x07' not in terminal and
          b'\\x1b' in terminal, terminal[:500])
    code, out, err = compare('h', '--json')
    check('JSON: hostile names are data', code == 0 and any(evil in r['implementation'] for s in json.loads(out)['sections']
                                                            for r in s['ranking']), out[:300])
    code, out, err = compare('h', '--html', '-o', 'page.html')
    check('HTML goes to a file', code == 0 and out == '' and os.path.getsize(os.path.join(work, 'page.html')) > 1000, err)


def test_recording():
    if not shutil.which('go'):
        return skip('the example is not built: no go')
    go = subprocess.run(['go', 'version'], capture_output=True, text=True).stdout
    done = subprocess.run([os.path.join(example, 'record'), '--quick', '--out', os.path.join(work, 'quick')],
                          capture_output=True, text=True, timeout=400)
    if not check('example: is built and recorded', done.returncode == 0, done.stderr):
        return
    files = os.listdir(os.path.join(work, 'quick', 'profiles'))
    check('example: every implementation, phase and kind is there', len(files) == 32, files)
    code, out, err = compare('quick/profiles', '--kind', 'alloc', '--json')
    check(f'example: the fresh recording is compared ({go.split()[2]})', code == 0 and len(json.loads(out)['sections']) == 4, err)


for test in (test_example, test_ranking, test_perf, test_names, test_hostile, test_recording):
    try:
        test()
    except Exception as e:
        check(f'{test.__name__} runs to its end', False, repr(e))
shutil.rmtree(work, ignore_errors=True)
finish()
