#!/usr/bin/env python3
"""Compares `watchfire pprof` with the newest google/pprof: random profiles, random flags, random sessions of the shell.

usage: pprof_peer_system_test.py BUILD_DIR [--seed N] [--cases N] [--sessions N] [--profiles N] [--keep DIR]

The peer is built from its Go module and kept in ~/.cache/watchfire. tests/data/pprof_differences.txt lists differences
that are known and why; an entry that no longer occurs fails the test.
"""
import argparse, concurrent.futures, glob, gzip, os, random, re, shutil, subprocess, sys, tempfile

here = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(here, '..', 'support'))
from random_pprof import FILES, NAMES, RandomProfile

MODULE = 'github.com/google/pprof'
CACHE = os.path.join(os.path.expanduser('~'), '.cache', 'watchfire')
passed = failed = skipped = 0


def check(name, good, detail=''):
    global passed, failed
    passed, failed = passed + bool(good), failed + (not good)
    print(f'{"ok  " if good else "FAIL"} {name}' + (f': {detail}' if detail and not good else ''), flush=True)


def end():
    print(f'{passed} passed, {failed} failed, {skipped} skipped')
    sys.exit(1 if failed else 0)


def find_peer():
    """The newest google/pprof, built when it is not there; (None, why) when it can't be had."""
    go = shutil.which('go')
    version = re.search(r'go(\d+)\.(\d+)', subprocess.run([go, 'version'], capture_output=True, text=True).stdout) if go else None
    if not version or (int(version[1]), int(version[2])) < (1, 24):
        return None, 'no Go of 1.24 or newer'
    env = dict(os.environ, GOFLAGS='-mod=mod', GO111MODULE='on')
    newest = subprocess.run([go, 'list', '-m', '-f', '{{.Version}}', MODULE + '@latest'], cwd='/', env=env, capture_output=True, text=True)
    if newest.returncode != 0:
        kept = sorted(glob.glob(CACHE + '/pprof-*/pprof'), key=os.path.getmtime)
        return (kept[-1], os.path.basename(os.path.dirname(kept[-1]))) if kept else (None, 'the Go module can\'t be reached')
    tag = newest.stdout.strip()
    path = f'{CACHE}/pprof-{tag}'
    if not os.path.exists(path + '/pprof'):
        os.makedirs(CACHE, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=CACHE) as d:
            built = subprocess.run([go, 'install', f'{MODULE}@{tag}'], cwd='/', env=dict(env, GOBIN=d), capture_output=True, text=True)
            if built.returncode != 0:
                return None, 'building it failed: ' + built.stderr[-300:]
            os.makedirs(path, exist_ok=True)
            os.replace(d + '/pprof', path + '/pprof')
    return path + '/pprof', tag


def without_default_sample_type(data):
    """profile.proto bytes without field 14."""
    out, at = bytearray(), 0
    def varint(at):
        value = shift = 0
        while True:
            value, shift, at = value | (data[at] & 127) << shift, shift + 7, at + 1
            if data[at - 1] < 128:
                return value, at
    while at < len(data):
        start = at
        tag, at = varint(at)
        size, at = varint(at)
        at += size if tag & 7 == 2 else 0
        if tag != 14 << 3:
            out += data[start:at]
    return bytes(out)


def proto_default_sample_type(results):
    """Results of a case, or of a session with files, without what the difference of this name is about."""
    out, *rest = results
    if len(rest) == 3:
        rest[2] = {name: without_default_sample_type(data) if name.endswith('.pb.gz') else data for name, data in rest[2].items()}
    elif out[:1] == b'\n':
        out = without_default_sample_type(out)
    return (out, *rest)


# What removes a known difference from both sides: by it, the rest is still compared.
EXPLANATIONS = {'proto-default-sample-type': proto_default_sample_type}


class Difference:
    def __init__(self, line):
        self.name, self.reason = line.split(': ', 1)
        self.remove, self.hits = EXPLANATIONS[self.name], 0


def known_differences():
    with open(os.path.join(here, '..', 'data', 'pprof_differences.txt')) as f:
        return [Difference(line.rstrip('\n')) for line in f if line.strip() and not line.startswith('#')]


def make_profiles(root, seed, count):
    """Families of four profiles over the same tables, so that they merge; paths by family, and names for filters."""
    families = []
    for family in range(count // 4):
        paths, first = [], None
        for member in range(4):
            p = RandomProfile(f'{seed}/{family}/{member}', first and first.types, f'{seed}/{family}')
            first = first or p
            path = f'p{family}_{member}.pb.gz'
            with open(os.path.join(root, path), 'wb') as f:
                f.write(p.encode())
            paths.append(path)
        families.append((paths, [t for t, _ in first.types]))
    for file in FILES:
        if file and not file.startswith('/'):
            path = os.path.normpath(os.path.join(root, file))
            os.makedirs(os.path.dirname(path), exist_ok=True)
            with open(path, 'w') as f:
                f.write(''.join(f'line {i} of {file}\t{{\n' for i in range(1, 31)))
    return families


REGEXES = ['main', 'main|std', '.', '^runtime', r'\.go', 'e.*r', 'nothing_here', 'server', r'\(', '[', '(?i)MAIN', 'json', 'libc', 'malloc$', '']
TAG_FILTERS = ['main', 'worker', 'thread=main', 'path=/get', 'bytes=1kb:2mb', '1024', 'bytes=4096b', ':1mb', 'latency=1ms:', 'v1,v3', 'odd=16widgets', '5:1']
REPORTS = ['-top', '-top', '-text', '-tree', '-peek', '-list', '-traces', '-tags', '-raw', '-comments', '-dot', '-dot', '-callgrind', '-proto', '-topproto']


def random_options(r, types):
    """Options other than the report, as (name, value) pairs; value None for flags."""
    o = []
    def maybe(chance, *pair):
        if r.random() < chance:
            o.append(pair)
    for name in ('focus', 'ignore', 'hide', 'show', 'show_from', 'prune_from'):
        maybe(0.07, name, r.choice(REGEXES))
    for name in ('tagfocus', 'tagignore'):
        maybe(0.05, name, r.choice(TAG_FILTERS))
    for name in ('tagshow', 'taghide'):
        maybe(0.05, name, r.choice(['thread', 'bytes', 'key', '.']))
    for name in ('tagroot', 'tagleaf'):
        maybe(0.05, name, r.choice(['thread', 'thread,path', 'bytes', 'latency,key1', 'none', 'odd']))
    maybe(0.15, 'nodecount', str(r.choice([0, 1, 2, 5, 10, 30, -1])))
    maybe(0.1, 'nodefraction', r.choice(['0', '0.01', '0.1', '0.5']))
    maybe(0.1, 'edgefraction', r.choice(['0', '0.01', '0.1', '0.5']))
    maybe(0.1, 'trim', 'false')
    maybe(0.25, 'sample_index', r.choice(types + ['0', '1', str(len(types)), 'space', '']))
    maybe(0.1, 'unit', r.choice(['auto', 's', 'ms', 'mb', 'kb', 'minutes', 'minimum', 'widgets', 'GCU', 'us']))
    maybe(0.08, 'divide_by', r.choice(['2', '0.5', '7', '1000', '-1', '0']))
    for name in ('mean', 'call_tree', 'relative_percentages', 'compact_labels', 'drop_negative', 'noinlines', 'showcolumns', 'intel_syntax'):
        maybe(0.1, name, 'true')
    return o


def random_case(r, families):
    paths, types = r.choice(families)
    report = r.choice(REPORTS)
    words = [report + '=' + (r.choice(REGEXES[:-1] + NAMES[:6])) if report in ('-peek', '-list') else report]
    words += [f'-{name}={value}' for name, value in random_options(r, types)]
    if r.random() < 0.3:
        words.append('-' + r.choice(['functions', 'filefunctions', 'files', 'lines', 'addresses']))
    if r.random() < 0.15:
        words.append(r.choice(['-cum', '-flat', '-mean_delay', '-alloc_space', '-inuse_space', '-contentions']))
    if r.random() < 0.8:
        words.append('-symbolize=' + r.choice(['none', 'none', 'none', 'demangle=full', 'demangle=templates', 'demangle=none']))
    if r.random() < 0.08:
        words.append(r.choice(['-add_comment=hello', '-all_frames', '-buildid=feed', '-trim_path=src', '-source_path=lib:src']))
    if r.random() < 0.15:
        words.append(r.choice(['-base=', '-diff_base=']) + r.choice(paths))
        if r.random() < 0.3:
            words.append('-normalize')
    others = [r.choice(r.choice(families)[0])] if r.random() < 0.05 else []
    return words + r.sample(paths, r.choice([1, 1, 1, 2, 3])) + others


def random_session(r, families):
    """Lines for the shell over one profile."""
    paths, types = r.choice(families)
    lines = []
    for _ in range(r.randrange(3, 14)):
        kind = r.random()
        command = r.choice(['top', 'text', 'tree', 'traces', 'tags', 'raw', 'comments', 'dot', 'top3', 'text10', 'tree5', 'peek', 'list'])
        if command in ('peek', 'list'):
            command += ' ' + r.choice(REGEXES[:-1])
        if kind < 0.5:
            words = [command] + r.sample(['5', '-cum', '--cum', 'main', '-runtime', 'e.*r', '-json', '0', '+2', '-3', '[', '> out.txt', '>out.txt'], r.choice([0, 0, 1, 2, 3]))
            lines.append(' '.join(words))
        elif kind < 0.8:
            options = random_options(r, types) or [('nodecount', '4')]
            name, value = r.choice(options)
            lines.append(r.choice([f'{name}={value}', f'{name} = {value}', f'{name}={value} //: why']))
        else:
            lines.append(r.choice(['o', 'options', ':', '', 'frob', 'focus', 'focus x', 'cum', 'cum=true', 'lines=1', 'granularity=files',
                                   'granularity=x', 'sort=cum', 'lines', 'flat=0', 'trim', 'mean', 'mean=maybe', 'nodecount=x', 'nodecount=',
                                   'nodefraction=1e-3', 'divide_by=y', 'peek', 'list', 'top >', 'proto', 'topproto', 'callgrind', 'help frob',
                                   '  top  ', 'topfoo', 'top3foo', '7', 'unit=', 'sample_index=', 'sample_index=99', 'output=o.txt', 'output=',
                                   'tagfocus=thread=main', types[0], 'total_' + types[0], 'mean_' + types[-1], 'quit now', 'normalize=1']))
    if r.random() < 0.3:
        lines.append(r.choice(['quit', 'q', 'exit']))
        lines.append('top')
    flags = [f'-{n}={v}' for n, v in random_options(r, types)][:2] if r.random() < 0.2 else []
    return flags + ['-symbolize=none', r.choice(paths)], lines


ENVIRONMENT = {'PATH': '/usr/bin:/bin', 'TZ': 'UTC', 'LC_ALL': 'C.UTF-8', 'HOME': '/nonexistent', 'PPROF_BINARY_PATH': '/nonexistent',
               'GOMAXPROCS': '1', 'GOGC': 'off'}


def run(command, words, cwd, stdin=b''):
    try:
        p = subprocess.run(command + words, cwd=cwd, env=ENVIRONMENT, input=stdin, capture_output=True, timeout=60)
    except subprocess.TimeoutExpired:
        return b'', 'timeout', b''
    out = gzip.decompress(p.stdout) if p.stdout[:2] == b'\x1f\x8b' else p.stdout
    # What a program prints before it fails is no result.
    return (out if p.returncode == 0 else b''), p.returncode, p.stderr


def run_session(command, words, lines, root):
    """A session in a directory of its own: everything it printed, and the files it wrote."""
    with tempfile.TemporaryDirectory(dir=root) as d:
        for name in os.listdir(root):
            if name.endswith('.pb.gz') or name in ('src', 'lib'):
                os.symlink(os.path.join(root, name), os.path.join(d, name))
        out, code, err = run(command, words, d, ('\n'.join(lines) + '\n').encode())
        files = {}
        for name in sorted(os.listdir(d)):
            path = os.path.join(d, name)
            if os.path.islink(path):
                continue
            with open(path, 'rb') as f:
                data = f.read()
            files[name] = gzip.decompress(data) if data[:2] == b'\x1f\x8b' else data
        # The greeting's last lines are each program's own; so are the names in messages of failing to start.
        talk = [line for line in err.decode(errors='replace').split('\n')
                if not line.startswith(('Entering interactive', 'Reading commands', 'No samples were found', 'Try "sample_index"',
                                        'There are no samples', 'Choose another'))]
        # The peer goes through a map of the labels, in another order each time.
        for i in range(1, len(talk)):
            if talk[i].startswith('For tag ') and talk[i - 1].startswith('For tag '):
                at = next((n for n in range(i, 0, -1) if not talk[n - 1].startswith('For tag ')), 0)
                talk[at:i + 1] = sorted(talk[at:i + 1])
        return out, code, (talk if code == 0 else []), files


def first_difference(a, b):
    for i, (x, y) in enumerate(zip(a, b)):
        if x == y:
            continue
        if isinstance(x, bytes):
            for n, (u, v) in enumerate(zip(x.split(b'\n') + [b'<end>'], y.split(b'\n') + [b'<end>'])):
                if u != v:
                    at = max(0, len(os.path.commonprefix([u, v])) - 60)
                    return f'line {n + 1}: pprof {u[at:at + 200]!r} watchfire {v[at:at + 200]!r}'
        if isinstance(x, list):
            for u, v in zip(x + ['<end>'], y + ['<end>']):
                if u != v:
                    return f'says {u!r}, watchfire {v!r}'
        if isinstance(x, dict):
            names = [n for n in sorted(set(x) | set(y)) if x.get(n) != y.get(n)]
            return f'file {names[0]}: ' + first_difference([x.get(names[0], b'<none>')], [y.get(names[0], b'<none>')])
        return f'part {i}: {str(x)[:300]} against {str(y)[:300]}'
    return 'none'


def same(reference, ours):
    """Both did the same, or both refused."""
    return reference == ours or (reference[1] not in (0, 'timeout') and ours[1] not in (0, 'timeout'))


def compare(peer, product, one, known):
    """'same', 'known', 'vague' when the peer itself answers differently each time, else what differs."""
    reference, ours = one([peer]), one(product)
    if same(reference, ours):
        return 'same'
    for d in known:
        if same(d.remove(reference), d.remove(ours)):
            d.hits += 1
            return 'known'
    varies = False
    for _ in range(20):
        again = one([peer])
        if same(again, ours):
            return 'same'
        varies = varies or again != reference
    return 'vague' if varies else first_difference(reference, ours)


def count_results(name, results, limit=12):
    global passed, failed
    bad = [(label, r) for label, r in results if r not in ('same', 'known', 'vague')]
    vague, explained = (sum(r == kind for _, r in results) for kind in ('vague', 'known'))
    for label, r in bad[:limit]:
        print(f'     {label}\n       {r}')
    check(f'{name}: {len(results) - len(bad)} of {len(results)} as the peer, of them {vague} where it varies by itself, {explained} but for a known difference', not bad)


def main():
    global skipped
    a = argparse.ArgumentParser()
    a.add_argument('build')
    a.add_argument('--seed', type=int, default=20261124)
    a.add_argument('--cases', type=int, default=2000)
    a.add_argument('--sessions', type=int, default=300)
    a.add_argument('--profiles', type=int, default=200)
    a.add_argument('--keep', help='directory that keeps the profiles')
    a = a.parse_args()
    peer, why = find_peer()
    if not peer:
        print(f'skip comparison with google/pprof: {why}')
        skipped += 1
        end()
    print(f'peer {why}, seed {a.seed}')
    product = [os.path.join(os.path.abspath(a.build), 'bin', 'watchfire'), 'pprof']
    known = known_differences()
    root = os.path.abspath(a.keep) if a.keep else tempfile.mkdtemp(prefix='pprof-peer-')
    os.makedirs(root, exist_ok=True)
    try:
        r = random.Random(a.seed)
        families = make_profiles(root, a.seed, a.profiles)
        with concurrent.futures.ThreadPoolExecutor(os.cpu_count() or 2) as pool:
            cases = [random_case(r, families) for _ in range(a.cases)]
            one = lambda words: lambda command: run(command, words, root)[:2]
            results = pool.map(lambda c: (' '.join(c), compare(peer, product, one(c), known)), cases)
            count_results('reports', list(results))
            sessions = [random_session(r, families) for _ in range(a.sessions)]
            talk = lambda s: lambda command: run_session(command, *s, root)
            label = lambda s: ' '.join(s[0]) + ' <<< ' + repr(s[1])
            results = pool.map(lambda s: (label(s), compare(peer, product, talk(s), known)), sessions)
            count_results('sessions of the shell', list(results))
        stale = [d.name for d in known if d.hits == 0]
        if a.cases >= 2000:
            check('known differences still occur', not stale, ', '.join(stale))
    finally:
        if not a.keep:
            shutil.rmtree(root, ignore_errors=True)
    end()


main()
