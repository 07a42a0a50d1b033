#!/usr/bin/env python3
"""Plants causes of cost in real Go programs and lets `watchfire analyze` find them; look-alikes must not be found.

usage: causes_system_test.py BUILD_DIR [--only CLASS] [--keep]

Runs each plant and look-alike of tests/causes, two at a time, and checks the finding: the class, the user's function,
share, amount, gain bound, confidence, key, command, and its numbers against `go tool pprof -raw` of the same file.
Then cuts recordings of equal and of 30 % more load into pairs: the first must report no change, the second one.
"""
import argparse, concurrent.futures, glob, json, os, random, re, shutil, subprocess, sys, tempfile, time

parser = argparse.ArgumentParser()
parser.add_argument('build_dir')
parser.add_argument('--only', help='one class')
parser.add_argument('--keep', action='store_true', help='leave the profiles where they are')
args = parser.parse_args()
SOURCES = os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', 'causes')
WATCHFIRE = os.path.abspath(os.path.join(args.build_dir, 'bin', 'watchfire'))
SECONDS, LOAD_SECONDS, LOAD_FILES, PAIRS = 1.5, 75, 40, 20

# What each plant must be found as: class, function to blame, kind of the file that shows it. The first one is the
# class's own, which its look-alike must not be found as.
PLANTS = {
    'regex_compile': [('regex_compile', 'main.validateOrder', 'cpu'), ('alloc_regex', 'main.validateOrder', 'heap')],
    'json': [('json', 'main.encodeReply', 'cpu'), ('alloc_json', 'main.encodeReply', 'heap')],
    'reflection': [('reflection', 'main.copyFields', 'cpu')],
    'logging': [('logging', 'main.handleRequest', 'cpu')],
    'compression': [('compression', 'main.packReply', 'cpu')],
    'hashing': [('hashing', 'main.signReply', 'cpu')],
    'sorting': [('sorting', 'main.rankOrders', 'cpu')],
    'map_growth': [('map_growth', 'main.indexOrders', 'cpu')],
    'string_building': [('string_building', 'main.renderInvoice', 'cpu')],
    'locks': [('locks', 'main.(*counter).bump', 'cpu')],
    'page_returning': [('page_returning', 'main.dropCaches', 'cpu')],
    'copying': [('copying', 'main.cloneBuffer', 'cpu')],
    'gc_pressure': [('gc_pressure', 'main.buildTree', 'cpu')],
    'allocation_churn': [('allocation_churn', 'main.makeTokens', 'cpu'), ('alloc_hot', 'main.makeTokens', 'heap')],
    'syscalls': [('syscalls', 'main.writeBytes', 'cpu')],
    'lock_contention': [('lock_contention', 'main.(*ledger).holdLedger', 'mutex')],
    'heap_growth': [('heap_growth', 'main.rememberSession', 'heap'), ('heap_holder', 'main.rememberSession', 'heap')],
    'goroutine_growth': [('goroutine_growth', 'main.awaitReply', 'goroutine')],
}
WITH_BASE = {'heap_growth', 'goroutine_growth'}

passed = failed = skipped = 0


def check(name, good, detail=''):
    global passed, failed
    passed, failed = passed + bool(good), failed + (not good)
    print(f'{"ok  " if good else "FAIL"} {name}' + (f': {detail}' if detail else ''), flush=True)


def finish():
    print(f'{passed} passed, {failed} failed, {skipped} skipped')
    sys.exit(1 if failed else 0)


def find_go():
    for go in [shutil.which('go'), '/usr/local/go/bin/go', *sorted(glob.glob('/usr/lib/go-*/bin/go'))]:
        if go and os.access(go, os.X_OK):
            return go


def run(command, **options):
    return subprocess.run(command, capture_output=True, text=True, **options)


def analyze(files, base=()):
    result = run([WATCHFIRE, 'analyze', *files, '--json', *(x for b in base for x in ('--base', b))])
    if result.returncode:
        raise RuntimeError(f'watchfire analyze: {result.stderr.strip()}')
    return json.loads(result.stdout)


def read_raw(path):
    """A file as `go tool pprof -raw` prints it: sample types, and (functions leaf first, values) per sample."""
    text = run([GO, 'tool', 'pprof', '-raw', path], env=ENV).stdout
    types, stacks, functions, part, location = [], [], {}, '', 0
    for line in text.splitlines():
        if line in ('Locations', 'Mappings', 'Samples:'):
            part = line
        elif part == 'Samples:' and not types:
            types = [t.split('/')[0].removesuffix('[dflt]') for t in line.split()]
        elif part == 'Samples:' and (m := re.match(r'\s*([-\d ]+): ([\d ]+)$', line)):
            stacks.append(([int(v) for v in m[2].split()], [int(v) for v in m[1].split()]))
        elif part == 'Locations' and (m := re.match(r'\s*(?:(\d+): 0x[0-9a-f]+ M=\d+ )?(\S.*?) \S+:\d+(?::\d+)? s=', line)):
            location = int(m[1]) if m[1] else location
            functions.setdefault(location, []).append(m[2])
    return types, [([f for l in stack for f in functions.get(l, [])], values) for stack, values in stacks]


def expected_numbers(path, sample_type, function):
    types, samples = read_raw(path)
    column = types.index(sample_type)
    total = sum(values[column] for _, values in samples)
    flat = sum(values[column] for stack, values in samples if stack and stack[0] == function)
    cum = sum(values[column] for stack, values in samples if function in stack)
    return {'total': total, 'flat': flat, 'cum': cum}


def problems_of(finding, function, path):
    """What is wrong with a finding, as a list of sentences."""
    wrong, f = [], finding
    if f['function'] != function:
        wrong.append(f'blames {f["function"]} and not {function}')
    if function not in f['title'] or '\n' in f['title']:
        wrong.append(f'title {f["title"]!r}')
    if not 0 < f['share'] <= 1 or not f['amount'] > 0 or not 0 < f['confidence'] <= 1:
        wrong.append(f'share {f["share"]}, amount {f["amount"]}, confidence {f["confidence"]}')
    if not 0 < f['gain_bound'] <= f['amount'] * 1.000001:
        wrong.append(f'gain bound {f["gain_bound"]} of {f["amount"]}')
    if not re.fullmatch('[0-9a-f]{16}', f['key']):
        wrong.append(f'key {f["key"]!r}')
    if not f['evidence']:
        return wrong + ['no evidence']
    evidence = f['evidence'][0]
    numbers = {n['name']: n['value'] for n in evidence['numbers']}
    sample_type = re.match(r'\w+:(\w+)', evidence['query'])[1]
    for name, value in expected_numbers(path, sample_type, f['function']).items():
        if numbers.get(name) != value:
            wrong.append(f'{name} is {numbers.get(name)}, pprof says {value}')
    if not 0 < numbers['credited'] <= numbers['total']:
        wrong.append(f'credited {numbers["credited"]} of {numbers["total"]}')
    shown = run(['sh', '-c', evidence['command']], env={**ENV, 'PATH': os.path.dirname(WATCHFIRE) + ':' + ENV['PATH']})
    if shown.returncode or f['function'] not in shown.stdout:
        wrong.append(f'its command shows nothing: {evidence["command"]}: {shown.stderr.strip()}')
    return wrong


def work(which, name):
    directory = os.path.join(DIR, which, name)
    result = run([CAUSES, '-seconds', str(SECONDS), which, name, directory])
    return result.stderr.strip() if result.returncode else ''


def check_class(name):
    now = {which: os.path.join(DIR, which, name, 'now') for which in ('plant', 'lookalike')}
    base = {which: [os.path.join(DIR, which, name, 'base')] if name in WITH_BASE else [] for which in now}
    digest, again = analyze([now['plant']], base['plant']), analyze([now['plant']], base['plant'])
    found = {f['cause_class']: f for f in digest['findings']}
    for cause, function, kind in PLANTS[name]:
        if cause not in found:
            told = ', '.join(f'{f["cause_class"]} of {f["function"]}' for f in digest['findings'])
            check(f'{cause} is found', False, f'{told or digest["services"]}')
            continue
        f = found[cause]
        wrong = problems_of(f, function, os.path.join(now['plant'], kind + '.pprof'))
        check(f'{cause} is found', not wrong, '; '.join(wrong) or f'{f["title"]} ({f["share"]:.0%})')
    check(f'{name}: equal files give equal findings', digest['findings'] == again['findings'])
    cause = PLANTS[name][0][0]
    alike = [f for f in analyze([now['lookalike']], base['lookalike'])['findings'] if f['cause_class'] == cause]
    check(f'{cause} is not found in what looks like it', not alike, '; '.join(f['title'] for f in alike))


def check_pairs():
    """Two processes with equal load, then two with 30 % more in one function. A pair is random halves of two runs."""
    unit = run([CAUSES, 'unit']).stdout.strip()
    env = {**ENV, 'WATCHFIRE_LOAD_UNIT': unit}
    files = {}
    for attempt, extra in ((1, 0), (1, 30), (2, 0), (2, 30)):
        if len(files.get((extra, 1), [])) >= LOAD_FILES * 3 // 4 <= len(files[extra, 2]):
            continue  # the machine left time for the first attempt
        directories = {(extra, n): os.path.join(DIR, f'load{extra}.{n}.{attempt}') for n in (1, 2)}
        processes = [subprocess.Popen([CAUSES, '-seconds', str(LOAD_SECONDS), '-files', str(LOAD_FILES), '-extra', str(extra), 'load', d], env=env)
                     for d in directories.values()]
        check(f'two programs with {extra} % more load run, attempt {attempt}', all(p.wait() == 0 for p in processes))
        files |= {run: sorted(glob.glob(d + '/*.pprof')) for run, d in directories.items()}
    if min(map(len, files.values())) < LOAD_FILES * 3 // 4:
        global skipped
        skipped += 2
        print(f'skip equal load and 30 % more: the machine was too busy, seconds of equal load: {[len(f) for f in files.values()]}')
        return
    choose = random.Random(20261124)
    told, missed, keys, growth = [], [], set(), []
    for pair in range(PAIRS):
        half = lambda run: choose.sample(files[run], len(files[run]) // 2)
        first, second = choose.sample((1, 2), 2)
        before, after = half((0, first)), half((0, second))
        digest = analyze(after, before)
        told += [f'pair {pair}: {f["title"]}' for f in digest['findings'] if f.get('change')]
        keys |= {f['key'] for f in digest['findings'] if f['cause_class'] == 'own_code' and f['function'] == 'main.parseOrders'}
        more = half((30, second))
        changes = [f for f in analyze(more, before)['findings'] if f['cause_class'] == 'cpu_regression']
        right = [f for f in changes if f['function'] == 'main.parseOrders']
        if len(right) != 1 or len(changes) != 1 or right[0]['change']['low'] <= 0:
            missed.append(f'pair {pair}: {[f["title"] for f in changes]}')
        else:
            growth.append(right[0]['change']['after'] / right[0]['change']['before'] - 1)
    drawn = f'{PAIRS} random halves of two runs of {len(files[0, 1])} and {len(files[0, 2])} one-second profiles'
    check('equal load reports no change', not told, '; '.join(told) or f'{drawn}, none reported')
    check('a key stays the same from window to window', len(keys) == 1, str(keys))
    seen = f', +{min(growth):.0%} to +{max(growth):.0%}' if growth else ''
    check('30 % more in one function is reported', not missed, '; '.join(missed) or f'{len(growth)} of {PAIRS}{seen}')


GO = find_go()
if not GO:
    skipped += 1
    print('skip causes in Go programs: no go on this machine')
    finish()
ENV = {**os.environ, 'GOTOOLCHAIN': 'local', 'GOFLAGS': '-mod=mod', 'GOPROXY': 'off',
       'GOCACHE': os.path.abspath(os.path.join(args.build_dir, 'go-cache'))}
started = time.time()
DIR = tempfile.mkdtemp(prefix='watchfire-causes-')
CAUSES = os.path.join(DIR, 'causes')
try:
    built = run([GO, 'build', '-o', CAUSES, '.'], cwd=SOURCES, env=ENV)
    check('the Go programs build', built.returncode == 0, built.stderr.strip() or run([GO, 'version'], env=ENV).stdout.strip())
    if built.returncode:
        finish()
    classes = [args.only] if args.only else list(PLANTS)
    listed = set(run([CAUSES, 'list']).stdout.split())
    check('every class has a plant and a look-alike', listed == set(PLANTS), str(sorted(listed ^ set(PLANTS))))
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        errors = list(pool.map(lambda job: work(*job), [(w, c) for c in classes for w in ('plant', 'lookalike')]))
    check('the programs run', not any(errors), '; '.join(filter(None, errors)))
    for name in classes:
        check_class(name)
    if not args.only:
        check_pairs()
finally:
    if args.keep:
        print(f'profiles are in {DIR}')
    else:
        shutil.rmtree(DIR, ignore_errors=True)
print(f'{time.time() - started:.0f} s')
finish()
