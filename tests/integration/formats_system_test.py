#!/usr/bin/env python3
"""Has the tools that people use write profiles, and compares what is read from them with what those tools say.

usage: formats_system_test.py BUILD_DIR

Uses `go`, `perf`, gperftools and jemalloc where they are installed, and says which are not.
"""
import ctypes.util, glob, json, os, re, shutil, subprocess, sys, tempfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', 'support'))
from checks import check, finish, skip

build = os.path.abspath(sys.argv[1])
reader = f'{build}/tests/programs/read_profile'
work = tempfile.mkdtemp(prefix='watchfire-formats-')


def run(*command, **kw):
    try:
        return subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=120, cwd=work, **kw)
    except subprocess.TimeoutExpired as e:
        return subprocess.CompletedProcess(command, 124, b'', str(e).encode())


def read(what, file):
    done = run(reader, what, file)
    return done.stdout if done.returncode == 0 else b''


def totals(file):
    """{type/unit: sum} as we read the file, and its comments."""
    sums, comments = {}, []
    for line in read('totals', file).decode().splitlines():
        if line.startswith('# '):
            comments.append(line[2:])
        else:
            name, value = line.rsplit(' ', 1)
            sums[name] = int(value)
    return sums, comments


def go_totals(file):
    """The same, as `go tool pprof -raw` prints the samples."""
    text = run('go', 'tool', 'pprof', '-symbolize=none', '-raw', file).stdout.decode()
    lines = text.split('Samples:\n', 1)[1].split('Locations\n', 1)[0].splitlines()
    types = [t.replace('[dflt]', '') for t in lines[0].split()]
    sums = [0] * len(types)
    for line in lines[1:]:
        m = re.match(r'\s*((-?\d+\s+)*-?\d+):', line)
        if m:
            sums = [a + int(b) for a, b in zip(sums, m[1].split())]
    return dict(zip(types, sums))


GO_PROGRAM = '''package main

import (
	"os"
	"runtime"
	"runtime/pprof"
	"sort"
	"time"
)

var sink int
var held [][]byte

//go:noinline
func busy(n int) int {
	values := make([]int, n)
	for i := range values {
		values[i] = (i * 7919) % n
	}
	sort.Slice(values, func(a, b int) bool { return less(values[a], values[b]) })
	return values[n/2]
}

func less(a, b int) bool { return a < b }

func create(name string) *os.File {
	f, err := os.Create(name)
	if err != nil {
		panic(err)
	}
	return f
}

func main() {
	runtime.MemProfileRate = 4096
	cpu := create("cpu.pb.gz")
	pprof.StartCPUProfile(cpu)
	for end := time.Now().Add(1500 * time.Millisecond); time.Now().Before(end); {
		sink += busy(20000)
		held = append(held, make([]byte, 1000))
	}
	pprof.StopCPUProfile()
	cpu.Close()
	runtime.GC()
	for _, name := range []string{"heap", "goroutine", "threadcreate"} {
		for debug, suffix := range []string{".pb.gz", ".txt"} {
			f := create(name + suffix)
			pprof.Lookup(name).WriteTo(f, debug)
			f.Close()
		}
	}
}
'''


def test_go():
    if not shutil.which('go'):
        return skip('go is not installed: profiles of runtime/pprof, default.pgo')
    os.makedirs(f'{work}/program')
    open(f'{work}/program/main.go', 'w').write(GO_PROGRAM)
    open(f'{work}/program/go.mod', 'w').write('module program\n\ngo 1.21\n')
    env = {**os.environ, 'GOTOOLCHAIN': 'local', 'GOFLAGS': '-mod=mod', 'GOPROXY': 'off'}
    done = run('go', 'build', '-C', 'program', '-o', '../server', '.', env=env)
    if done.returncode != 0:
        return skip('this go builds nothing: ' + done.stderr.decode()[-200:].strip())
    run(f'{work}/server')
    for name in ('cpu.pb.gz', 'heap.pb.gz', 'goroutine.pb.gz', 'threadcreate.pb.gz', 'heap.txt', 'goroutine.txt',
                 'threadcreate.txt'):
        ours, theirs = totals(f'{work}/{name}')[0], go_totals(f'{work}/{name}')
        check(f'go: {name} has the totals that go tool pprof says', ours and ours == theirs, f'{ours} {theirs}')
    cpu = totals(f'{work}/cpu.pb.gz')[0].get('cpu/nanoseconds', 0)
    functions = dict(l.rsplit(' ', 1) for l in read('functions', f'{work}/cpu.pb.gz').decode().splitlines())
    busy = int(functions.get('main.busy', 0))
    check('go: the busy function has most of the CPU', busy > cpu * 0.7, f'{busy} of {cpu}')

    open(f'{work}/program/default.pgo', 'wb').write(read('pgo', f'{work}/cpu.pb.gz'))
    done = run('go', 'build', '-C', 'program', '-pgo=auto', '-gcflags=program=-d=pgodebug=1', '-o', '../optimized', '.',
               env=env)
    log = (done.stdout + done.stderr).decode()
    check('pgo: the compiler takes what is written', done.returncode == 0, log)
    check('pgo: and finds hot functions of the program in it', 'hot-node' in log, log)
    check('pgo: the program says it was built so', 'default.pgo' in run('go', 'version', '-m', f'{work}/optimized').stdout.decode())
    done = run(reader, 'pgo', f'{work}/heap.pb.gz')
    check('pgo: a heap profile is refused', done.returncode == 1 and b'cpu/nanoseconds' in done.stderr, done.stderr)


def perf_script_totals(data):
    """{EVENT_sample, EVENT_event} as perf itself prints the samples."""
    text = run('perf', 'script', '-F', 'event,period', '-G', '-i', data).stdout.decode()
    sums = {}
    for line in text.splitlines():
        m = re.match(r'\s*(\d+)\s+(\S+?):?\s*$', line)
        if m:
            for suffix, n in (('_sample/count', 1), ('_event/count', int(m[1]))):
                sums[m[2] + suffix] = sums.get(m[2] + suffix, 0) + n
    return sums


def test_perf():
    if not shutil.which('perf'):
        return skip('perf is not installed: perf.data and perf script')
    loop = ['sh', '-c', 'i=0; while [ $i -lt 60000 ]; do i=$((i+1)); done']
    record = ['perf', 'record', '-q', '-e', 'cpu-clock:u', '-F', '999']
    done = run(*record, '-g', '-o', 'plain.data', '--', *loop)
    if done.returncode != 0 or not perf_script_totals('plain.data'):
        return skip('perf records nothing here: ' + done.stderr.decode()[-200:].strip())
    run(*record, '-g', '-z', '-o', 'compressed.data', '--', *loop)
    run('perf', 'record', '-q', '-e', 'cpu-clock:u,page-faults:u', '-c', '3', '-o', 'events.data', '--', *loop)
    run(*record, '--call-graph', 'dwarf', '-o', 'dwarf.data', '--', *loop)
    with open(f'{work}/pipe.data', 'wb') as out:
        subprocess.run([*record, '-g', '-o', '-', '--', *loop], stdout=out, cwd=work, timeout=300)
    for name in ('plain', 'compressed', 'events', 'dwarf', 'pipe'):
        data = f'{work}/{name}.data'
        if not os.path.exists(data) or os.path.getsize(data) < 1000:
            skip(f'perf wrote no {name} recording')
            continue
        ours, comments = totals(data)
        theirs = perf_script_totals(data)
        # An event that never came is a type of the recording, but no line of the text.
        seen = {k: v for k, v in ours.items() if v != 0}
        check(f'perf: {name} recording has the totals that perf script says', seen and seen == theirs, f'{ours} {theirs}')
        check(f'perf: {name} recording is read whole', not any('cut' in c or 'shorter' in c for c in comments), comments)
        text = f'{work}/{name}.txt'
        open(text, 'wb').write(run('perf', 'script', '-F', '+period', '-i', data).stdout)
        check(f'perf: the text of the {name} recording has them, too', totals(text)[0] == theirs, totals(text))
    run('perf', 'record', '-q', '-e', '{cpu-clock:u,page-faults:u}:S', '-o', 'group.data', '--', *loop)
    if os.path.exists(f'{work}/group.data'):
        check('perf: counts of a group that only its leader samples are told', any('group of events' in c for c in totals(f'{work}/group.data')[1]))
    check('perf: copied stacks are told', any('copied user stack' in c for c in totals(f'{work}/dwarf.data')[1]))
    folded = f'{work}/plain.folded'
    open(folded, 'wb').write(read('folded', f'{work}/plain.txt'))
    check('folded stacks are read as they were written', read('folded', folded) == open(folded, 'rb').read())


def test_perf_kernel():
    """Names of the kernel that runs here, as perf gives them to those who may see them."""
    if not shutil.which('perf'):
        return skip('names of the kernel: perf is needed')
    copy = ['dd', 'if=/dev/zero', 'of=/dev/null', 'bs=4k', 'count=500000']
    run('perf', 'record', '-q', '-e', 'cpu-clock:k', '-F', '999', '-o', 'kernel.data', '--', *copy)
    theirs = {}
    for line in run('perf', 'script', '-F', 'period,ip,sym', '-i', 'kernel.data').stdout.decode().splitlines():
        period, _, name = line.split(None, 2)
        theirs[name] = theirs.get(name, 0) + int(period)
    if not theirs or '[unknown]' in theirs:
        return skip('perf may not see the kernel here')
    top = json.loads(run(f'{build}/bin/watchfire', 'top', '--json', '--nodecount', '1000', 'kernel.data').stdout or b'{}')
    ours = {r['function']: r['flat'] for r in top.get('rows', [])}
    same = sum(min(ours.get(name, 0), period) for name, period in theirs.items())
    # Where an address has several names, each takes its own.
    check('perf: the kernel has the names that perf script says', same >= 0.9 * sum(theirs.values()), f'{ours} {theirs}')


def test_perf_names():
    server = f'{work}/server'
    if not shutil.which('perf') or not os.path.exists(server):
        return skip('names of perf.data: perf and a Go program are needed')
    run('perf', 'record', '-q', '-e', 'cpu-clock:u', '-F', '499', '-g', '-o', 'server.data', '--', server)
    theirs, period, seen = {}, 0, set()
    for line in run('perf', 'script', '-F', 'period,ip,sym', '-i', 'server.data').stdout.decode().splitlines() + ['']:
        if not line.strip():
            for name in seen:
                theirs[name] = theirs.get(name, 0) + period
            seen = set()
        elif line.startswith('\t'):
            seen.add(line.split(None, 1)[1])
        else:
            period = int(line)
    if not theirs:
        return skip('perf records nothing here')
    ours = dict(l.rsplit(' ', 1) for l in read('functions', f'{work}/server.data').decode().splitlines())
    for name in ('main.main', 'main.busy', 'main.less'):
        a, b = int(ours.get(name, 0)), theirs.get(name, 0)
        # perf names an inlined function by the one that holds it, as symbol tables do.
        check(f'perf: {name} has what perf script says', abs(a - b) <= 0.01 * max(a, b) and (b or name == 'main.less'),
              f'{a} {b}')


def test_perf_command():
    """The watchfire command on recordings: names of files, of code made at run time, a file a process."""
    watchfire, workload = f'{build}/bin/watchfire', f'{build}/tests/programs/workload'
    if not shutil.which('perf') or not os.path.exists(workload):
        return skip('watchfire on perf.data: perf and the workload program are needed')
    record = ['perf', 'record', '-q', '-e', 'cpu-clock:u', '-F', '499', '-g']
    run(*record, '-o', 'workload.data', '--', workload, 'spin', '1')
    if not os.path.exists(f'{work}/workload.data'):
        return skip('perf records nothing here')
    top = lambda *words: (lambda p: (p.stdout + p.stderr).decode())(run(watchfire, 'top', *words))
    check('top names the functions of a recorded program', 'alpha_leaf' in top('workload.data'), top('workload.data'))
    check('an event is a type', 'cpu-clock:u_sample' in top('workload.data', '--type', 'cpu-clock:u_sample'))
    pprof = run(watchfire, 'pprof', '-top', 'workload.data').stdout.decode()
    check('pprof reads a recording, with names', 'alpha_leaf' in pprof, pprof)
    check('-symbolize=none leaves addresses', 'alpha_leaf' not in run(watchfire, 'pprof', '-symbolize=none', '-top', 'workload.data').stdout.decode())
    copy = f'{work}/rebuilt'
    shutil.copy(workload, copy)
    run(*record, '-o', 'changed.data', '--', copy, 'spin', '1')
    shutil.copy('/bin/true', copy)
    text = top('changed.data')
    check('a file of another build names nothing, and that is said', 'alpha_leaf' not in text and 'another build' in text, text)

    run(*record, '-a', '-o', 'all.data', '--', workload, 'spin', '1')
    if os.path.exists(f'{work}/all.data'):
        check('of all processes, the default is no event that never came', 'alpha_leaf' in top('all.data'), top('all.data'))
    else:
        skip('perf may not record all processes here')

    run(*record, '-o', 'two.data', '--', 'sh', '-c', f'{workload} spin 1 & {workload} spin 1; wait')
    done = run(watchfire, 'convert', 'two.data', '--to', 'pprof', '--per-process', '-o', 'two', '--json')
    written = json.loads(done.stdout or b'[]')
    mine = [w for w in written if w['comm'] == 'workload']
    check('a recording becomes a file a process', len(mine) == 2 and all(
        w['output'] == f'two/workload-{w["pid"]}.pb.gz' and 'alpha_leaf' in top(w['output']) for w in mine), done)
    check('only perf.data has processes', run(watchfire, 'convert', mine[0]['output'], '--to', 'pprof', '--per-process', '-o', 'x').returncode == 1)
    check('--per-process needs a directory', run(watchfire, 'convert', 'two.data', '--to', 'pprof', '--per-process').returncode == 2)


# Runs a loop of machine code for a second, in memory of no file.
made_code = """
import ctypes, mmap, os, time
m = mmap.mmap(-1, 4096, prot=7)
m.write(bytes.fromhex('48ffcf75fbc3'))
address = ctypes.addressof(ctypes.c_char.from_buffer(m))
loop = ctypes.CFUNCTYPE(None, ctypes.c_ulong)(address)
print(os.getpid(), format(address, 'x'), flush=True)
end = time.time() + 1
while time.time() < end:
    loop(10_000_000)
"""


def test_perf_map():
    watchfire = f'{build}/bin/watchfire'
    if not shutil.which('perf') or os.uname().machine != 'x86_64':
        return skip('names of code made at run time: perf and x86_64 are needed')
    done = run('perf', 'record', '-q', '-e', 'cpu-clock:u', '-F', '499', '-o', 'made.data', '--', sys.executable, '-c', made_code)
    if done.returncode != 0 or not done.stdout.split():
        return skip('perf records nothing here')
    pid, address = done.stdout.split()[:2]
    path = f'/tmp/perf-{int(pid)}.map'
    listing = f'{address.decode()} 6 made_at_run_time\n'
    top = lambda: (lambda p: (p.stdout + p.stderr).decode())(run(watchfire, 'top', 'made.data'))
    try:
        open(path, 'w').write(listing)
        check('a perf map names code made at run time', 'made_at_run_time' in top(), top())
        if os.geteuid() == 0:
            os.chown(path, 65534, 65534)
            check('one of somebody else is refused', 'made_at_run_time' not in top() and 'belongs neither' in top(), top())
            os.chown(path, 0, 0)
        os.link(path, f'/tmp/watchfire-{int(pid)}.map')
        check('one with two names is refused', 'made_at_run_time' not in top() and 'more than one name' in top(), top())
        os.unlink(f'/tmp/watchfire-{int(pid)}.map')
        os.unlink(path)
        open(f'{work}/elsewhere.map', 'w').write(listing)
        os.symlink(f'{work}/elsewhere.map', path)
        check('a symbolic link is not followed', 'made_at_run_time' not in top() and 'no regular file' in top(), top())
        os.unlink(path)
        os.mkfifo(path)
        check('nothing waits for a FIFO', 'no regular file' in top())
    finally:
        for leftover in (path, f'/tmp/watchfire-{int(pid)}.map'):
            if os.path.lexists(leftover):
                os.unlink(leftover)


def library(name):
    found = ctypes.util.find_library(name)
    return found and next(iter(glob.glob(f'/lib/*/{found}') + glob.glob(f'/usr/lib/*/{found}')), None)


BUSY = 'print(sum(i * i for i in range(20000000)))'
ALLOCATING = 'x = [bytes(1000 + i % 500) for i in range(20000)]'


def test_gperftools():
    profiler, tcmalloc = library('profiler'), library('tcmalloc')
    if not profiler or not tcmalloc:
        return skip('gperftools is not installed: its CPU profile and heap')
    python = os.path.realpath(sys.executable)
    run(python, '-c', BUSY, env={**os.environ, 'LD_PRELOAD': profiler, 'CPUPROFILE': f'{work}/gperf.cpu'})
    run(python, '-c', ALLOCATING, env={**os.environ, 'LD_PRELOAD': tcmalloc, 'HEAPPROFILE': f'{work}/gperf'})
    heaps = sorted(glob.glob(f'{work}/gperf*.heap'), key=os.path.getmtime)
    for name, file in (('CPU profile', f'{work}/gperf.cpu'), ('heap', heaps[-1] if heaps else '')):
        if not os.path.exists(file):
            skip(f'gperftools wrote no {name}')
            continue
        ours = totals(file)[0]
        check(f'gperftools: the {name} has samples', ours and max(ours.values()) > 0, ours)
        if shutil.which('go'):
            check(f'gperftools: the {name} has the totals that go tool pprof says', ours == go_totals(file),
                  f'{ours} {go_totals(file)}')


def test_jemalloc():
    jemalloc = library('jemalloc')
    if not jemalloc:
        return skip('jemalloc is not installed: its heap profile')
    program = 'import os\nkept = [bytes(100000) for i in range(2000)]\nos.kill(os.getpid(), 0)\n'
    run(os.path.realpath(sys.executable), '-c', program,
        env={**os.environ, 'LD_PRELOAD': jemalloc, 'PYTHONMALLOC': 'malloc',
             'MALLOC_CONF': f'prof:true,lg_prof_sample:12,lg_prof_interval:24,prof_prefix:{work}/je'})
    files = sorted(glob.glob(f'{work}/je.*.heap'), key=os.path.getmtime)
    if not files:
        return skip('this jemalloc was built without profiling')
    largest = max(totals(f)[0].get('space/bytes', 0) for f in files)
    check('jemalloc: the heap says what the program keeps, within 5 %', 190e6 < largest < 1.05 * 2000 * 100033 + 2e7,
          largest)


def main():
    if not os.path.exists(reader):
        check(f'{reader} is built', False)
    else:
        for test in (test_go, test_perf, test_perf_kernel, test_perf_names, test_perf_command, test_perf_map, test_gperftools, test_jemalloc):
            test()
    shutil.rmtree(work, ignore_errors=True)
    finish()


main()
