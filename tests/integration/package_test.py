#!/usr/bin/env python3
"""Installs the package into a fresh Debian root that systemd boots in a container, and uses it as an operator would.

usage: package_test.py [--build DIR] [--keep]

Needs root, mmdebstrap, systemd-nspawn and a kernel that runs eBPF in the container; skips with a reason elsewhere.
The units' hardening is checked first, which needs none of that.
"""
import argparse, glob, json, os, re, shutil, signal, subprocess, sys, tempfile, time

parser = argparse.ArgumentParser()
parser.add_argument('--build', default='build/test')
parser.add_argument('--keep', action='store_true')
args = parser.parse_args()
top = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
passed = failed = skipped = 0


def check(name, good, detail=''):
    global passed, failed
    passed, failed = passed + bool(good), failed + (not good)
    print(f'{"ok  " if good else "FAIL"} {name}' + (f': {detail}' if detail and not good else ''), flush=True)
    return good


def skip(reason):
    global skipped
    skipped += 1
    print(f'skip {reason}', flush=True)


def finish():
    print(f'{passed} passed, {failed} failed, {skipped} skipped')
    sys.exit(1 if failed else 0)


def sh(*command, **kw):
    return subprocess.run(command, capture_output=True, text=True, **kw)


# ---- hardening, from the unit files alone
LIMITS = {'watchfire-collect': 2.5, 'watchfired': 1.5, 'watchfire-parse': 0.5, 'watchfire-agent': 1.5}
if shutil.which('systemd-analyze'):
    for unit, limit in LIMITS.items():
        out = sh('systemd-analyze', 'security', '--offline=yes', f'{top}/systemd/{unit}.service').stdout
        found = re.search(r'level for \S+: ([0-9.]+)', out)
        check(f'{unit}.service scores at most {limit}', found and float(found.group(1)) <= limit, out[-200:])
else:
    skip('hardening scores: no systemd-analyze')

reasons = [('root', os.geteuid() == 0), ('mmdebstrap', shutil.which('mmdebstrap')), ('systemd-nspawn', shutil.which('systemd-nspawn')),
           ('BTF', os.path.exists('/sys/kernel/btf/vmlinux')), ('a cpack of the build', os.path.exists(f'{args.build}/CPackConfig.cmake'))]
missing = [name for name, there in reasons if not there]
if missing:
    skip(f'the installed package: needs {", ".join(missing)}')
    finish()

# ---- the package
build = os.path.abspath(args.build)
for old in glob.glob(f'{build}/watchfire_*.deb'):
    os.unlink(old)
made = sh('cpack', '-G', 'DEB', cwd=build)
debs = glob.glob(f'{build}/watchfire_*.deb')
if not check('cpack makes a package', len(debs) == 1, made.stdout[-500:] + made.stderr[-500:]):
    finish()
contents = sh('dpkg-deb', '-c', debs[0]).stdout
extras = ('./usr/share/man/man1/watchfire.1', './usr/share/bash-completion/completions/watchfire', './usr/share/zsh/vendor-completions/_watchfire')
check('the manual and completions are in the package', all(f in contents for f in extras), contents)
check('no test file is in the package', 'test' not in contents, contents)

work = tempfile.mkdtemp(prefix='watchfire-root-', dir='/var/tmp')
root = f'{work}/root'
sources = [f for f in glob.glob('/etc/apt/sources.list.d/debian.sources') + ['/etc/apt/sources.list'] if os.path.exists(f)]
boot = sh('mmdebstrap', '--variant=minbase', '--include=systemd,systemd-sysv,dbus,ca-certificates', '--aptopt=Acquire::Check-Valid-Until "false"',
          'bookworm', root, sources[0])
if boot.returncode != 0:
    skip(f'the installed package: mmdebstrap failed: {boot.stderr.strip().splitlines()[-1:]}')
    shutil.rmtree(work, ignore_errors=True)
    finish()
shutil.copy(debs[0], f'{root}/root/watchfire.deb')
depends = sh('dpkg-deb', '-f', debs[0], 'Depends').stdout
# What the package needs, but not the package, comes in before the boot: the container has no network.
names = [re.sub(r'\(.*?\)', '', d).strip() for d in depends.split(',')]
installed = sh('chroot', root, 'sh', '-c', 'apt-get update -qq && apt-get install -y -qq --no-install-recommends ' + ' '.join(names))
check('the dependencies are in Debian 12', installed.returncode == 0, installed.stderr[-500:])

container = subprocess.Popen(
    ['systemd-nspawn', '--quiet', '-D', root, '--boot', '--register=no', '--keep-unit', '--private-network', '--capability=all',
     '--system-call-filter=bpf perf_event_open', '--bind-ro=/sys/kernel/btf', '--machine=watchfire-test'],
    stdin=subprocess.DEVNULL, stdout=open(f'{work}/console.log', 'w'), stderr=subprocess.STDOUT, start_new_session=True)


def leader():
    children = sh('pgrep', '-P', str(container.pid)).stdout.split()
    return children[0] if children else None


def inside(command, user=None, timeout=60):
    """Runs a shell command in the container."""
    enter = ['nsenter', '-t', leader(), '-m', '-u', '-i', '-n', '-p', '-r', '-w']
    if user:
        enter += ['setpriv', f'--reuid={user}', f'--regid={user}', '--init-groups']
    try:
        return sh(*enter, 'sh', '-c', command, timeout=timeout)
    except subprocess.TimeoutExpired:
        return subprocess.CompletedProcess(command, 124, '', 'timed out')


def wait(what, seconds, test):
    deadline = time.time() + seconds
    while time.time() < deadline:
        if test():
            return True
        time.sleep(1)
    return False


try:
    up = wait('boot', 60, lambda: leader() and inside('systemctl is-system-running').stdout.strip() in ('running', 'degraded'))
    if not check('the container boots', up, open(f'{work}/console.log').read()[-500:]):
        finish()
    got = inside('dpkg -i /root/watchfire.deb', timeout=120)
    check('the package installs', got.returncode == 0, got.stdout[-400:] + got.stderr[-400:])
    units = ['watchfired.service', 'watchfire-collect.service', 'watchfire-parse.service']
    active = wait('units', 30, lambda: all(inside(f'systemctl is-active {u}').stdout.strip() == 'active' for u in units))
    check('all units are active', active, inside('systemctl status --no-pager "watchfire*"; journalctl --no-pager -n 40').stdout[-3000:])

    # A busy program whose kernel and user symbols must show.
    inside('useradd -m member; useradd -m stranger; usermod -aG watchfire member')
    spinner = f'{build}/tests/programs/package_spinner'
    if os.path.exists(spinner):
        shutil.copy(spinner, f'{root}/usr/local/bin/package_spinner')
        inside('systemd-run --unit=spinner /usr/local/bin/package_spinner')
    connected = wait('samples', 60, lambda: '"connected":true' in inside('watchfire status --json').stdout.replace(' ', ''))
    check('the collector is connected', connected, inside('watchfire status').stdout + inside('journalctl --no-pager -u watchfire-collect -n 20').stdout)
    if os.path.exists(spinner):
        named = wait('symbols', 60, lambda: 'spin_in_user_code' in inside('watchfire top --service spinner').stdout)
        top_text = inside('watchfire top --service spinner --nodecount 60').stdout
        check("a program's own symbols are named", named, top_text)
        check('kernel symbols are named', re.search(r'(__x64_sys_|do_syscall_64|entry_SYSCALL)', top_text), top_text)
    digest = inside('watchfire digest --now --since 10m', timeout=180)
    check('a digest is made and names the program', digest.returncode == 0 and 'spinner' in digest.stdout, digest.stdout[-800:] + digest.stderr)
    check('the report is on disk', inside('ls /var/lib/watchfire/reports/latest.md').returncode == 0)

    check('members of the group may ask', inside('watchfire status', user='member').returncode == 0, inside('watchfire status', user='member').stderr)
    stranger = inside('watchfire status', user='stranger')
    check('others may not', stranger.returncode != 0, stranger.stdout)

    reload = inside('systemctl reload watchfired && sleep 1 && systemctl is-active watchfired')
    check('reload works', reload.stdout.strip() == 'active', reload.stdout + reload.stderr)
    inside("printf 'nonsense: 1\\n' >> /etc/watchfire/watchfire.yaml")
    inside('systemctl reload watchfired; sleep 1')
    check('a broken configuration is refused on reload and the daemon goes on', inside('watchfire status').returncode == 0)
    check('and the log says where it is wrong', 'line ' in inside('journalctl --no-pager -u watchfired -n 20').stdout)
    restarts = {u: inside(f'systemctl show -P NRestarts {u}').stdout.strip() for u in units}
    check('no unit was restarted', set(restarts.values()) == {'0'}, restarts)

    stop = inside('systemctl stop watchfire-collect watchfired watchfire-parse.socket watchfire-parse; systemctl is-failed "watchfire*"')
    check('the units stop cleanly', 'failed' not in stop.stdout.split(), stop.stdout)
    purge = inside('systemctl stop spinner; dpkg --purge watchfire', timeout=120)
    check('purge succeeds', purge.returncode == 0, purge.stdout + purge.stderr)
    left = inside('ls -d /var/lib/watchfire /etc/watchfire /run/watchfire* /usr/bin/watchfire* /usr/lib/systemd/system/watchfire* '
                  '/etc/systemd/system/*/watchfire* /etc/default/watchfire 2>/dev/null; getent passwd watchfire watchfire-collect').stdout
    check('purge leaves nothing', left == '', left)
finally:
    if leader():
        os.kill(int(leader()), signal.SIGRTMIN + 4)  # systemd's own poweroff
    try:
        container.wait(20)
    except subprocess.TimeoutExpired:
        os.killpg(container.pid, signal.SIGKILL)
    if args.keep:
        print(f'kept {work}')
    else:
        shutil.rmtree(work, ignore_errors=True)
finish()
