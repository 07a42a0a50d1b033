#!/usr/bin/env python3
"""The flame graph page in a real browser: what it draws, that it asks for nothing, and that names stay text.

usage: flame_html_system_test.py BUILD_DIR

Needs Chromium (Debian: chromium); without it there is nothing to see, and that is said.
"""
import http.server, json, os, random, shutil, subprocess, sys, tempfile, threading, time

here = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(here, '..', 'support'))
from browser import Browser, find_chromium
from checks import check, finish, skip
from random_pprof import message, number, varint

watchfire = os.path.join(os.path.abspath(sys.argv[1]), 'bin', 'watchfire')
work = tempfile.mkdtemp(prefix='watchfire-flame-')
browser = None

SHIFT = 8


def write(name, text):
    path = os.path.join(work, name)
    with open(path, 'w') as f:
        f.write(text)
    return path


def pprof_of(stacks):
    """profile.proto of [(root, ..., leaf)], each once, under names that nobody takes for C++ and makes simpler."""
    names = sorted({f for stack in stacks for f in stack})
    strings = ['', 'samples', 'count', 'system'] + names
    out = message(1, number(1, 1) + number(2, 2))
    for stack in stacks:
        out += message(2, message(1, b''.join(varint(names.index(f) + 1) for f in reversed(stack))) + message(2, varint(1)))
    for i in range(1, len(names) + 1):
        out += message(4, number(1, i) + number(3, i) + message(4, number(1, i)))
        out += message(5, number(1, i) + number(2, i + 3) + number(3, 3))
    return out + b''.join(message(6, s.encode()) for s in strings)


def page(name, *words):
    """The address of a page that `watchfire flame` writes."""
    done = subprocess.run([watchfire, 'flame', *words, '-o', f'{name}.html'], capture_output=True, cwd=work, timeout=120)
    check(f'{name}: the page is written', done.returncode == (4 if name == 'empty' else 0), done.stderr)
    return f'file://{work}/{name}.html'


def frames(name=None):
    all_frames = browser.run('flamegraph.frames()')
    return [f for f in all_frames if f['name'] == name] if name is not None else all_frames


def frame(name):
    found = frames(name)
    return found[0] if found else {'x': -1, 'y': -1, 'width': 0, 'row': -1, 'total': 0, 'color': ''}


def click(name, modifiers=0):
    f = frame(name)
    browser.click(f['x'] + min(f['width'] / 2, 40), f['y'] + 8, modifiers)


def text(id):
    return browser.run(f'document.getElementById({json.dumps(id)}).textContent')


def near(a, b):
    return abs(a - b) <= 0.02 * max(abs(a), abs(b))


def test_drawing():
    # 60 % b, 30 % c, 10 % d; in the first type ("before") nothing is like that.
    path = write('plain.folded', 'main;a;b 1 60\nmain;a;c 1 30\nmain;d 8 10\n')
    browser.open(page('plain', path))
    width = frame('all')['width']
    check('all frames are drawn', sorted(f['name'] for f in frames()) == ['a', 'all', 'b', 'c', 'd', 'main'], frames())
    check('their widths are their shares', near(frame('b')['width'], 0.6 * width) and near(frame('d')['width'], 0.1 * width), frames())
    pixel = browser.run('''(() => { const c = document.getElementById('canvas'), f = flamegraph.frames().find(f => f.name === 'b');
        const b = c.getBoundingClientRect(), r = window.devicePixelRatio;
        return [...c.getContext('2d').getImageData((f.x + f.width - 8 - b.left) * r, (f.y + 8 - b.top) * r, 1, 1).data]; })()''')
    check('and are on the canvas', pixel[3] == 255 and pixel[0] > 100, pixel)
    check('a flame stands on its root', frame('all')['y'] > frame('main')['y'] > frame('b')['y'])

    browser.move(frame('c')['x'] + 30, frame('c')['y'] + 8)
    check('the tip tells total, self and share', not browser.run('document.getElementById("tip").hidden') and
          text('tip') == 'ctotal: 30, 30.00%self: 30, 30.00%', text('tip'))

    click('a')
    check('a click zooms', near(frame('a')['width'], width) and near(frame('b')['width'], width * 2 / 3) and not frames('d'), frames())
    check('the path leads back', text('path') == 'all › main › a', text('path'))
    hash_of_zoom = browser.run('location.hash')
    browser.run('document.querySelectorAll("#path button")[1].click()')
    check('a click on it goes there', len(frames('d')) == 1 and not frames('all') and text('path') == 'all › main', frames())
    browser.key('Escape')
    check('Escape shows all again', len(frames()) == 6 and browser.run('location.hash') == '', frames())

    browser.key('i')
    check('i makes it an icicle', frame('all')['y'] < frame('main')['y'] < frame('b')['y'] and text('invert') == 'Icicle', frames())
    browser.run('document.getElementById("invert").click()')
    check('and back', frame('all')['y'] > frame('b')['y'])

    check('frames are in order of name', frame('a')['x'] < frame('d')['x'] and frame('b')['x'] < frame('c')['x'])
    browser.run('document.getElementById("type").value = "1"; document.getElementById("type").dispatchEvent(new Event("change"))')
    check('another type has its own widths', near(frame('d')['width'], 0.8 * width), frames())
    browser.key('o')
    check('the heaviest may be left', frame('d')['x'] < frame('a')['x'], frames())
    browser.run('document.getElementById("reset").click()')

    browser.open(f'file://{work}/plain.html{hash_of_zoom}&q=b')
    check('the address keeps zoom and search', near(frame('b')['width'], width * 2 / 3) and
          text('matched') == 'matched: 60.00%, of what is shown 66.67%', (hash_of_zoom, text('matched'), frames()))
    browser.open(f'file://{work}/plain.html#n=999&f=-7&t=x&q=%E0%A4%A&i=9')
    check('a wrong address shows all', len(frames()) == 6, frames())


def test_search():
    path = write('search.folded', 'main;Read;main 1\nmain;read_all;parse 3\nmain;(weird[ 4\n')
    browser.open(page('search', path))
    before = frame('parse')['color']
    browser.key('/')
    browser.type('^parse$')
    check('/ searches, and the share is shown', text('matched') == 'matched: 37.50%' and frame('parse')['color'] != before, text('matched'))
    check('what does not match keeps its colour', frame('read_all')['color'] != frame('parse')['color'])
    browser.key('Escape')
    check('Escape ends the search', text('matched') == '' and frame('parse')['color'] == before, text('matched'))
    for query, share in (('read', '50.00%'), ('Read', '12.50%'), ('main', '100.00%'), ('nothing', '0.00%')):
        browser.run(f'location.hash = {json.dumps("q=" + query)}')
        browser.settle()
        check(f'{query} matches {share}', text('matched') == 'matched: ' + share, text('matched'))
    browser.run('location.hash = "q=" + encodeURIComponent("(weird[")')
    browser.settle()
    check('a bad pattern is said to be one', text('matched') == 'not a regular expression', text('matched'))


def test_callers_and_callees():
    path = write('sandwich.folded', 'main;x;f;g 1\nmain;y;f;h 2\nmain;y;f;f;g 4\nmain;z 8\n')
    browser.open(page('sandwich', path))
    width = frame('all')['width']
    click('f', SHIFT)
    f = frame('f')
    check('a function stands between callers and callees', f['total'] == 7 and near(f['width'], width) and
          frame('y')['y'] < f['y'] < frame('h')['y'] and frame('main')['y'] < frame('y')['y'], frames())
    check('callers have what they spend there', near(frame('x')['width'], width / 7) and near(frame('y')['width'], width * 6 / 7), frames())
    check('a recursive call counts once', len(frames('f')) == 2 and frames('f')[1]['total'] == 4, frames('f'))
    check('others are not drawn', not frames('z'))
    click('y')
    check('a click goes to another function', frame('y')['total'] == 6 and near(frame('y')['width'], width), frames())
    browser.key('Escape')
    check('Escape leads out', len(frames('z')) == 1)
    click('x')
    browser.key('c')
    check('c shows those of the zoomed frame', 'callers above' in text('path') and text('path').endswith('x'), text('path'))


def test_difference():
    after = write('after.folded', 'main;more 60\nmain;less 20\nmain;same 20\n')
    before = write('before.folded', 'main;more 20\nmain;less 60\nmain;same 20\nmain;gone 5\n')
    browser.open(page('difference', after, '--base', before))
    check('red is more, blue is less', frame('more')['color'].startswith('rgb(255,') and frame('less')['color'].endswith(',255)') and
          frame('same')['color'] == 'rgb(236,236,236)', frames())
    f = frame('more')
    browser.move(f['x'] + 9, f['y'] + 8)
    check('the tip tells before and change', 'before: 20, 19.05%' in text('tip') and 'change: +40' in text('tip'), text('tip'))
    done = subprocess.run([watchfire, 'diff', before, after, '--flame', '--html'], capture_output=True, cwd=work)
    check('diff --flame --html is the same', b'"base":{' in done.stdout and b'<!doctype html>' in done.stdout, done.stderr)
    browser.open(page('negated', after, '--base', before, '--negate', '--inverted'))
    check('--negate swaps them', frame('less')['color'].startswith('rgb(255,') and frame('all')['y'] < frame('less')['y'], frames())


HOSTILE = ['</script><script>window.hurt=1</script>', '<img src=x onerror=alert(1)>', '<!--<script>', '--></main>', ']]>',
           'javascript:alert(2)', '${alert(3)}', '{{script}}', '__proto__', 'constructor', '&lt;b&gt;', '\u2028alert(4)\u2029', '\u202eesrever',
           '"\' onmouseover=alert(5) x="', '<svg onload=alert(6)>', '<a href="javascript:alert(7)">x</a>', '\\u003cscript\\u003e', 'x' * 3000]


def test_hostile_names():
    path = f'{work}/hostile.pb'
    with open(path, 'wb') as f:
        f.write(pprof_of([('main', n, n[::-1]) for n in HOSTILE]))
    browser.open(page('hostile', path, '--title', '</title><script>window.hurt=2</script><img src=y>'))
    shape = '''JSON.stringify([document.scripts.length, document.images.length, document.links.length, document.querySelectorAll('svg,iframe,object,base,form,b *,#tip *:not(b):not(div)').length,
        document.querySelectorAll('main > *').length, document.body.children.length, typeof window.hurt])'''
    shapes = {browser.run(shape)}
    drawn = frames()
    check('hostile names are drawn', len(drawn) == 2 + 2 * len(HOSTILE) and frames('<img src=x onerror=alert(1)>'), [f['name'][:20] for f in drawn])
    for f in drawn:
        browser.move(f['x'] + f['width'] / 2, f['y'] + 8)
        shapes.add(browser.run(shape))
    for i in range(len(HOSTILE)):
        browser.run(f'location.hash = "f={i}"')
        browser.settle()
        shapes.add(browser.run(shape))
        browser.run(f'location.hash = "n={i}&q=" + encodeURIComponent("<script")')
        browser.settle()
        shapes.add(browser.run(shape))
    check('none of them adds an element or runs', shapes == {'[2,0,0,0,1,7,"undefined"]'}, shapes)
    names = ''.join(f['name'] for f in drawn)
    check('what hides or turns text is made visible', not any(c in names for c in '\u2028\u2029\u202e') and '\\u{202e}' in names.lower(), names[:300])

    svg = f'{work}/hostile.svg'
    subprocess.run([watchfire, 'flame', path, '-o', svg, '--title', '<script>window.hurt=3</script>'], cwd=work, capture_output=True)
    browser.open(f'file://{svg}')
    browser.run('document.querySelectorAll("#frames > g")[2].dispatchEvent(new MouseEvent("click", {bubbles: true}))')
    check('the SVG is inert, too', browser.run('[document.querySelectorAll("script").length, document.querySelectorAll("img,a,svg svg").length, typeof window.hurt].join()') == '1,0,undefined')


def test_policy():
    hits = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            hits.append(self.path)
            body = open(f'{work}/plain.html', 'rb').read() if self.path == '/page' else b'window.hurt = 4'
            self.send_response(200)
            self.send_header('Content-Type', 'text/html' if self.path == '/page' else 'text/javascript')
            self.send_header('Content-Security-Policy', 'sandbox allow-scripts')
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_):
            pass

    server = http.server.ThreadingHTTPServer(('127.0.0.1', 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    url = f'http://127.0.0.1:{server.server_port}'
    browser.open(f'file://{work}/plain.html')
    told, asked = len(browser.errors), len(browser.requests)
    blocked = browser.run(f'''(async () => {{
        let failures = 0;
        await fetch('{url}/fetch').catch(() => ++failures);
        const add = (tag, what) => document.body.append(Object.assign(document.createElement(tag), what));
        add('img', {{src: '{url}/img'}}); add('script', {{src: '{url}/script'}}); add('iframe', {{src: '{url}/frame'}});
        add('script', {{textContent: 'window.hurt = 5'}}); add('link', {{rel: 'stylesheet', href: '{url}/style'}});
        await new Promise(r => setTimeout(r, 500));
        return failures + ' ' + typeof window.hurt; }})()''')
    check('even a script within could reach nothing', blocked == '1 undefined' and not hits, (blocked, hits))
    del browser.errors[told:], browser.requests[asked:]

    browser.open(f'{url}/page')
    click('a')
    check('in the sandbox that the daemon asks for it works, too', not frames('d') and text('path') == 'all › main › a', frames())
    check('and asks for nothing else', [h for h in hits if h != '/favicon.ico'] == ['/page'], hits)
    check('as the browser says', browser.requests[asked:] == ['about:blank', f'{url}/page'] or browser.requests[asked:] == [f'{url}/page'], browser.requests[asked:])
    del browser.requests[asked:]
    server.shutdown()


def test_appearance():
    browser.open(f'file://{work}/plain.html')
    backs = []
    for scheme in ('light', 'dark'):
        browser.call('Emulation.setEmulatedMedia', features=[{'name': 'prefers-color-scheme', 'value': scheme}])
        backs.append(browser.run('getComputedStyle(document.body).backgroundColor'))
    check('it is light or dark as the reader likes', backs[0] != backs[1], backs)
    browser.call('Emulation.setEmulatedMedia', features=[])
    browser.open(page('empty', write('one.folded', 'a 1\n'), '--focus', 'nothing'))
    check('nothing is said to be nothing', text('details') == 'No samples of this type.', text('details'))


def test_large():
    rng = random.Random(7)
    lines = []
    for i in range(60_000):
        depth = rng.randint(3, 12)
        lines.append(';'.join(['main'] + [f'pkg.function_{rng.randint(0, 9)}_{d}_{i % 500 if d < 3 else i}' for d in range(depth)]) + f' {rng.randint(1, 1000)}')
    browser.open(page('large', write('large.folded', '\n'.join(lines) + '\n')))
    notes = text('notes')
    nodes = browser.run('JSON.parse(document.getElementById("data").textContent).name.length')
    check('a large profile is cut to 100,000 frames, and that is said', 50_000 < nodes <= 100_000 and 'are not drawn' in notes, (nodes, notes))
    took = browser.run('''(async () => { const b = document.getElementById('order'), start = performance.now();
        for (let i = 0; i < 10; ++i) b.click();
        return (performance.now() - start) / 10; })()''')
    check(f'and drawn in {took:.0f} ms', took < 500, took)
    took = browser.run('''(() => { const start = performance.now(); location.hash = 'f=1'; return new Promise(r => setTimeout(() => r(performance.now() - start), 0)); })()''')
    check('callers and callees of main are shown', 'callers above' in text('path'), took)
    browser.open(page('deep', write('deep.folded', ';'.join(f'f{i}' for i in range(400)) + ' 1\n')))
    browser.run('document.getElementById("view").scrollTop = 0')
    browser.settle()
    top = frame('f399')
    browser.click(top['x'] + 50, top['y'] + 8)
    check('what needs scrolling is drawn and found where it is', text('path').endswith('› f399'), (top, text('path')[-80:]))


def main():
    global browser
    program = find_chromium()
    if not program:
        return skip('Chromium is not installed (Debian: chromium): the flame graph page is not looked at')
    browser = Browser(program)
    try:
        for test in (test_drawing, test_search, test_callers_and_callees, test_difference, test_hostile_names, test_policy, test_appearance,
                     test_large):
            test()
        others = [r for r in browser.requests if not r.startswith(f'file://{work}/') and not r.startswith('about:')]
        check('no page asked for anything but itself', not others and len(browser.requests) > 9, others)
        check('nothing was alerted', not browser.dialogs, browser.dialogs)
        check('no script failed, nothing was blocked', not browser.errors, browser.errors)
    finally:
        browser.close()


main()
shutil.rmtree(work, ignore_errors=True)
finish()
