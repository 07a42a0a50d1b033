"""What the system tests share: counting checks, waiting, free ports. A script ends with finish()."""
import socket, sys, time

passed = failed = skipped = 0


def check(name, good, detail=''):
    """Counts and prints one check; of one that failed also the end of `detail`."""
    global passed, failed
    passed, failed = passed + bool(good), failed + (not good)
    print(f'{"ok  " if good else "FAIL"} {name}' + (f': {str(detail)[-900:]}' if not good else ''), flush=True)
    return bool(good)


def skip(reason):
    global skipped
    skipped += 1
    print(f'skip {reason}', flush=True)


def finish():
    """Prints the sums, in the form that ./test adds up, and ends the script."""
    print(f'{passed} passed, {failed} failed, {skipped} skipped')
    sys.exit(1 if failed else 0)


def wait(seconds, test):
    """What `test` gives as soon as that is true, else what it gives after so long."""
    deadline = time.time() + seconds
    while time.time() < deadline:
        if value := test():
            return value
        time.sleep(0.2)
    return test()


def free_port():
    with socket.socket() as s:
        s.bind(('127.0.0.1', 0))
        return s.getsockname()[1]
