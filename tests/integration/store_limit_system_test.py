#!/usr/bin/env python3
"""Appends 1 GB of profiles to a store of 64 MB while another thread watches what the directory takes on disk.

usage: store_limit_system_test.py BUILD_DIR
"""
import os, shutil, subprocess, sys, tempfile

store_volume = os.path.join(os.path.abspath(sys.argv[1]), 'tests', 'store_volume')
passed = failed = 0


def check(name, good, detail=''):
    global passed, failed
    passed, failed = passed + bool(good), failed + (not good)
    print(f'{"ok  " if good else "FAIL"} {name}' + (f': {detail}' if not good else ''), flush=True)


work = tempfile.mkdtemp(prefix='watchfire-limit-', dir='/var/tmp')
r = subprocess.run([store_volume, 'limit', f'{work}/store', '1024', '64'], capture_output=True, text=True, timeout=300)
got = {name: int(n) for name, n in (line.split() for line in r.stdout.splitlines())}
print('     ' + ', '.join(f'{name} {n}' for name, n in got.items()))
MB = 1 << 20
check('1 GB of profiles was written', got.get('written', 0) >= 1024 * MB, r.stderr)
check('disk use was never above the limit and one block', 0 < got.get('most_on_disk', 0) <= 64 * MB + got.get('largest_block', 0), got)
check('and not far below it: the room is used', got.get('most_on_disk', 0) > 40 * MB, got)
check('the newest profiles are there', got.get('newest_profiles') == 6, got)
check('the oldest have gone', got.get('oldest_profiles') == 0, got)
check('reads still work', r.returncode == 0 and got.get('all_profiles', 0) > 100, r.stderr)
shutil.rmtree(work, ignore_errors=True)
print(f'{passed} passed, {failed} failed, 0 skipped')
sys.exit(1 if failed else 0)
