#!/usr/bin/env python3
"""Kills the store's process and copies its disk under load; everything acknowledged before must be there.

usage: store_crash_test.py STORE_LOAD [--kills N] [--copies N]

The oracle is this process: it reads the acknowledgements from a pipe, so it knows exactly what the store had promised
when the process died or the copy began. Each test is also run with a store that is broken on purpose (it
acknowledges before the commit; it does not sync), and must fail there. Copies need root, loop devices and ext4.
"""
import argparse, os, random, shutil, signal, subprocess, sys, tempfile, threading, time

parser = argparse.ArgumentParser()
parser.add_argument('store_load')
parser.add_argument('--kills', type=int, default=100)
parser.add_argument('--copies', type=int, default=6)
parser.add_argument('--seed', type=int, default=random.randrange(1 << 30))
args = parser.parse_args()
random.seed(args.seed)
passed = failed = skipped = 0


class Writer:
    """store_load writing into a directory; `acknowledged` grows while it runs."""

    def __init__(self, directory, first, fault):
        command = [args.store_load, 'write', directory, str(first)] + (['--fault', fault] if fault else [])
        self.acknowledged = []
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, bufsize=1)
        self.reader = threading.Thread(target=self.read, daemon=True)
        self.reader.start()

    def read(self):
        for line in self.process.stdout:
            if line.endswith('\n'):
                self.acknowledged.append(int(line))

    def wait_for(self, n):
        deadline = time.time() + 30
        while len(self.acknowledged) < n and time.time() < deadline:
            time.sleep(0.002)

    def kill(self):
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()
        self.reader.join()


def lost(directory, numbers):
    """Those of the numbers that can't be read back with their total."""
    out = subprocess.run([args.store_load, 'read', directory], input='\n'.join(map(str, numbers)), capture_output=True, text=True)
    if out.returncode != 0:
        return [f'store does not open: {out.stderr.strip()}']
    got = dict(map(int, line.split()) for line in out.stdout.splitlines())
    return [n for n in numbers if got.get(n) != n * 1000 + 7]


def kill_loop(kills, fault=None):
    """Kills N times at random moments; returns (acknowledged, lost)."""
    directory = tempfile.mkdtemp(prefix='watchfire-kill-')
    acknowledged, first = [], 1
    try:
        for _ in range(kills):
            writer = Writer(directory, first, fault)
            writer.wait_for(1)
            time.sleep(random.uniform(0.0, 0.25))
            writer.kill()
            acknowledged += writer.acknowledged
            first = max(acknowledged, default=first) + 1000  # numbers in flight when it died are not used again
        missing = lost(directory, acknowledged)
        return len(acknowledged), missing
    finally:
        shutil.rmtree(directory, ignore_errors=True)


def copy_loop(copies, fault=None):
    """Copies the image below a mounted store under load and reads the copy; returns (acknowledged, lost)."""
    work = tempfile.mkdtemp(prefix='watchfire-copy-')
    image, mount, second = f'{work}/disk', f'{work}/mount', f'{work}/copy'
    run = lambda *c: subprocess.run(c, check=True, capture_output=True)
    run('truncate', '-s', '256M', image)
    run('mkfs.ext4', '-q', '-F', image)
    os.mkdir(mount), os.mkdir(second)
    run('mount', '-o', 'loop', image, mount)
    writer, total, missing = None, 0, []
    try:
        writer = Writer(f'{mount}/store', 1, fault)
        for _ in range(copies):
            writer.wait_for(len(writer.acknowledged) + random.randrange(20, 200))
            before = list(writer.acknowledged)
            run('cp', '--sparse=always', image, f'{work}/disk2')
            run('mount', '-o', 'loop', f'{work}/disk2', second)
            try:
                total += len(before)
                missing += lost(f'{second}/store', before)
            finally:
                run('umount', second)
        return total, missing
    finally:
        if writer:
            writer.kill()
        subprocess.run(['umount', mount], capture_output=True)
        shutil.rmtree(work, ignore_errors=True)


def full_disk():
    """Fills the file system under a store, then gives it room; returns (acknowledged while full or after, lost)."""
    work = tempfile.mkdtemp(prefix='watchfire-full-')
    run = lambda *c: subprocess.run(c, check=True, capture_output=True)
    run('mount', '-t', 'tmpfs', '-o', 'size=6M', 'tmpfs', work)
    writer = None
    try:
        writer = Writer(f'{work}/store', 1, None)
        seen, still = -1, 0
        while still < 20:  # until nothing is acknowledged any more
            time.sleep(0.1)
            still = still + 1 if len(writer.acknowledged) == seen else 0
            seen = len(writer.acknowledged)
        run('mount', '-o', 'remount,size=64M', work)
        writer.wait_for(seen + 50)
        after = len(writer.acknowledged) - seen
        writer.kill()
        return seen, after, lost(f'{work}/store', writer.acknowledged)
    finally:
        if writer and writer.process.poll() is None:
            writer.kill()
        subprocess.run(['umount', work], capture_output=True)
        shutil.rmtree(work, ignore_errors=True)


def check(name, good, detail):
    global passed, failed
    passed, failed = passed + good, failed + (not good)
    print(f'{"ok  " if good else "FAIL"} {name}: {detail}', flush=True)


print(f'seed {args.seed}')
count, missing = kill_loop(args.kills)
check('nothing acknowledged is lost by kill -9', count > args.kills and not missing, f'{args.kills} kills, {count} acknowledged, {len(missing)} lost {missing[:5]}')
count, missing = kill_loop(10, 'ack_before_commit')
check('the kill test notices a store that acknowledges before the commit', bool(missing), f'{count} acknowledged, {len(missing)} lost')

probe = subprocess.run(['sh', '-c', 'test "$(id -u)" = 0 && command -v mkfs.ext4 >/dev/null && losetup -f'], capture_output=True)
if probe.returncode != 0:
    skipped += 3
    print('skip copies of a mounted store and a full disk: they need root, mkfs.ext4 and a loop device')
else:
    count, missing = copy_loop(args.copies)
    check('copies of the disk under load hold all acknowledged before', count > 0 and not missing, f'{args.copies} copies, {count} acknowledged, {len(missing)} lost {missing[:5]}')
    before, after, missing = full_disk()
    check('a full disk loses nothing acknowledged, and room ends it unaided', before > 0 and after >= 50 and not missing,
          f'{before} acknowledged before it was full, {after} after it got room, {len(missing)} lost')
    count, missing = copy_loop(2, 'no_sync')
    check('the copy test notices a store that does not sync', bool(missing), f'{count} acknowledged, {len(missing)} lost')

print(f'{passed} passed, {failed} failed, {skipped} skipped')
sys.exit(1 if failed else 0)
