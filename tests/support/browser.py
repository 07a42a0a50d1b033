"""A headless Chromium, driven by the DevTools protocol through pipes; no other package is needed."""
import json, os, re, select, shutil, subprocess, tempfile, time


def find_chromium():
    for name in ('chromium', 'chromium-browser', 'google-chrome'):
        if shutil.which(name):
            return shutil.which(name)
    return '/usr/bin/chromium' if os.path.exists('/usr/bin/chromium') else None


class Browser:
    """One page. `requests` are the URLs of every request it made, `dialogs`, `errors` and `blocked` what else happened."""

    def __init__(self, program, width=1200, height=800):
        self.requests, self.dialogs, self.errors = [], [], []
        self.home = tempfile.mkdtemp(prefix='watchfire-browser-')
        to_read, self.to = os.pipe()
        self.source, from_write = os.pipe()
        flags = ['--headless=new', '--disable-gpu', '--no-first-run', '--disable-background-networking', '--hide-scrollbars',
                 '--disable-component-update', '--disable-sync', '--disable-dev-shm-usage', '--remote-debugging-pipe',
                 f'--user-data-dir={self.home}/profile', f'--window-size={width},{height}']
        if os.geteuid() == 0:
            flags.append('--no-sandbox')  # Chromium refuses to make one as root
        self.process = subprocess.Popen(
            ['bash', '-c', f'exec "$@" 3<&{to_read} 4>&{from_write}', 'bash', program, *flags, 'about:blank'],
            pass_fds=(to_read, from_write), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env={**os.environ, 'HOME': self.home})
        os.close(to_read), os.close(from_write)
        self.buffer, self.last_id, self.session, self.loaded = b'', 0, None, 0
        target = self.call('Target.createTarget', url='about:blank')['targetId']
        self.session = self.call('Target.attachToTarget', targetId=target, flatten=True)['sessionId']
        for domain in ('Page', 'Runtime', 'Network', 'Log'):
            self.call(domain + '.enable')

    def close(self):
        try:
            self.session = None
            self.call('Browser.close', timeout=5)
        except (OSError, TimeoutError, RuntimeError):
            pass
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
        os.close(self.to), os.close(self.source)
        shutil.rmtree(self.home, ignore_errors=True)

    def call(self, method, timeout=60, **params):
        self.last_id += 1
        message = {'id': self.last_id, 'method': method, 'params': params}
        if self.session:
            message['sessionId'] = self.session
        os.write(self.to, json.dumps(message).encode() + b'\0')
        until = time.monotonic() + timeout
        while (answer := self.receive(until)) is None or answer.get('id') != self.last_id:
            pass
        if 'error' in answer:
            raise RuntimeError(f'{method}: {answer["error"]}')
        return answer['result']

    def receive(self, until):
        """The next message, events being noted; None for those."""
        while b'\0' not in self.buffer:
            if not select.select([self.source], [], [], max(0, until - time.monotonic()))[0]:
                raise TimeoutError('the browser does not answer')
            data = os.read(self.source, 1 << 20)
            if not data:
                raise RuntimeError('the browser ended')
            self.buffer += data
        text, self.buffer = self.buffer.split(b'\0', 1)
        message = json.loads(text)
        method, params = message.get('method'), message.get('params', {})
        if method == 'Network.requestWillBeSent':
            self.requests.append(params['request']['url'])
        elif method == 'Page.javascriptDialogOpening':
            self.dialogs.append(params['message'])
            self.last_id += 1
            os.write(self.to, json.dumps({'id': self.last_id, 'method': 'Page.handleJavaScriptDialog', 'sessionId': self.session,
                                          'params': {'accept': False}}).encode() + b'\0')
        elif method == 'Runtime.exceptionThrown':
            self.errors.append(params['exceptionDetails'].get('exception', {}).get('description', params['exceptionDetails']['text']))
        elif method == 'Log.entryAdded' and params['entry']['level'] in ('error', 'warning'):
            self.errors.append(params['entry']['text'])
        elif method == 'Page.loadEventFired':
            self.loaded += 1
        return message if 'id' in message else None

    def open(self, url, timeout=60):
        before = self.loaded
        self.call('Page.navigate', url='about:blank')
        until = time.monotonic() + timeout
        while self.loaded == before:
            self.receive(until)
        before = self.loaded
        self.call('Page.navigate', url=url)
        while self.loaded == before:
            self.receive(until)
        self.settle()

    def settle(self):
        self.run('new Promise(r => requestAnimationFrame(() => requestAnimationFrame(r)))')

    def run(self, script):
        """The value of an expression in the page."""
        answer = self.call('Runtime.evaluate', expression=script, awaitPromise=True, returnByValue=True)
        if 'exceptionDetails' in answer:
            raise RuntimeError(answer['exceptionDetails'].get('exception', {}).get('description', 'failed: ' + script))
        return answer['result'].get('value')

    def move(self, x, y):
        self.call('Input.dispatchMouseEvent', type='mouseMoved', x=x, y=y)
        self.settle()

    def click(self, x, y, modifiers=0):
        self.move(x, y)
        for kind in ('mousePressed', 'mouseReleased'):
            self.call('Input.dispatchMouseEvent', type=kind, x=x, y=y, button='left', clickCount=1, modifiers=modifiers)
        self.settle()

    def key(self, key):
        text = {'text': key} if len(key) == 1 else {}
        for kind in ('keyDown', 'keyUp'):
            self.call('Input.dispatchKeyEvent', type=kind, key=key, **(text if kind == 'keyDown' else {}))
        self.settle()

    def type(self, text):
        self.call('Input.insertText', text=text)
        self.settle()

    def screenshot(self, path):
        import base64
        with open(path, 'wb') as f:
            f.write(base64.b64decode(self.call('Page.captureScreenshot', format='png')['data']))
