'use strict';
// An interactive flame graph of the profile in #data. Names are untrusted: they are drawn on a canvas or set as text,
// never as markup. Nothing is asked of any network.
(() => {
const kRow = 18;         // px, of one frame
const kLeast = 0.4;      // px; narrower frames are not drawn
const kLetter = 6.65;    // px, of the canvas's font
const data = JSON.parse(document.getElementById('data').textContent);
const $ = id => document.getElementById(id);
const view = $('view'), canvas = $('canvas'), tip = $('tip');

// Names by alphabet: rank[name].
const rank = new Uint32Array(data.names.length);
data.names.map((_, i) => i).sort((a, b) => data.names[a] < data.names[b] ? -1 : 1).forEach((n, i) => { rank[n] = i; });

// A call tree in columns; node 0 is the root, parents stand before their children. Costs: {total, self}[type][node];
// those of a tree of callers have no self.
class Tree {
  constructor(parent, name, costs, base) {
    Object.assign(this, {parent, name, costs, base, sorted: new Map(), largest: new Map()});
    this.size = parent.length;
    const first = new Uint32Array(this.size + 1);
    for (let n = 1; n < this.size; ++n) ++first[parent[n] + 1];
    for (let n = 0; n < this.size; ++n) first[n + 1] += first[n];
    this.first = first;
  }

  total(type, n) { return this.costs.total[type][n]; }

  // Children of all nodes, one after the other from this.first[node] on, in the order asked for.
  order(type, heavy) {
    const key = heavy ? type : -1;
    if (this.sorted.has(key)) return this.sorted.get(key);
    const children = new Uint32Array(Math.max(this.size - 1, 0));
    for (let n = 1; n < this.size; ++n) children[n - 1] = n;
    const total = this.costs.total[type];
    children.sort((a, b) => this.parent[a] - this.parent[b] || (heavy ? total[b] - total[a] : 0) ||
                            rank[this.name[a]] - rank[this.name[b]]);
    this.sorted.set(key, children);
    return children;
  }

  // What a frame's colour tells of a difference: the change of what it costs alone.
  delta(type, n) {
    const of = costs => (costs.self || costs.total)[type][n];
    return of(this.costs) - of(this.base);
  }

  largestDelta(type) {
    if (!this.largest.has(type)) {
      let largest = 0;
      for (let n = 0; n < this.size; ++n) largest = Math.max(largest, Math.abs(this.delta(type, n)));
      this.largest.set(type, largest);
    }
    return this.largest.get(type);
  }
}

// Collects nodes of a new tree by path.
class TreeBuilder {
  constructor(name, from, withSelf) {
    this.parent = [0];
    this.name = [name];
    this.edges = new Map();
    const columns = () => from.total.map(() => [0]);
    const costs = () => ({total: columns(), self: withSelf ? columns() : null});
    this.costs = costs();
    this.base = data.base ? costs() : null;
  }

  child(parent, name) {
    const key = parent * data.names.length + name;
    let node = this.edges.get(key);
    if (node !== undefined) return node;
    node = this.parent.length;
    this.edges.set(key, node);
    this.parent.push(parent);
    this.name.push(name);
    for (const costs of [this.costs, this.base]) {
      if (!costs) continue;
      for (const column of costs.total) column.push(0);
      if (costs.self) for (const column of costs.self) column.push(0);
    }
    return node;
  }

  add(node, from, n) {
    for (const [to, source] of [[this.costs, from.costs], [this.base, from.base]]) {
      if (!to) continue;
      to.total.forEach((column, type) => { column[node] += source.total[type][n]; });
      if (to.self) to.self.forEach((column, type) => { column[node] += source.self[type][n]; });
    }
  }

  finish() { return new Tree(this.parent, this.name, this.costs, this.base); }
}

// Everything that a function calls, and everything that calls it; where it calls itself, the outermost frame counts.
function around(tree, name) {
  const callees = new TreeBuilder(name, tree.costs, true), callers = new TreeBuilder(name, tree.costs, false);
  const within = new Int32Array(tree.size).fill(-1);  // node of callees
  for (let n = 1; n < tree.size; ++n) {
    const above = within[tree.parent[n]];
    if (above < 0 && tree.name[n] !== name) continue;
    within[n] = above < 0 ? 0 : callees.child(above, tree.name[n]);
    callees.add(within[n], tree, n);
    if (above >= 0) continue;
    let node = 0;
    callers.add(node, tree, n);
    for (let a = tree.parent[n]; a !== 0; a = tree.parent[a]) {
      node = callers.child(node, tree.name[a]);
      callers.add(node, tree, n);
    }
  }
  return {callees: callees.finish(), callers: callers.finish()};
}

const whole = new Tree(data.parent, data.name, data.costs, data.base);
const state = {type: 0, root: 0, fn: -1, query: '', icicle: data.inverted, heavy: false};
let pattern = null;      // of state.query
let matches = null;      // by name
let rows = [];           // what is drawn: [row] -> frames from left to right
let sandwich = null;     // of state.fn
let context = null;

function format(value, unit) {
  const seconds = {nanoseconds: 1e-9, ns: 1e-9, microseconds: 1e-6, us: 1e-6, milliseconds: 1e-3, ms: 1e-3, seconds: 1, s: 1}[unit];
  const scaled = (v, steps) => {
    const [size, name] = steps.find(([s]) => Math.abs(v) >= s) || steps[steps.length - 1];
    return +(v / size).toFixed(2) + name;
  };
  if (value === 0) return '0';
  if (seconds) return scaled(value * seconds, [[3600, 'h'], [300, 'min'], [1, 's'], [1e-3, 'ms'], [1e-6, 'µs'], [1e-9, 'ns']]);
  if (unit === 'bytes') return scaled(value, [[2 ** 40, 'TB'], [2 ** 30, 'GB'], [2 ** 20, 'MB'], [1024, 'kB'], [1, 'B']]);
  const number = value.toLocaleString('en-US');
  return !unit || unit === 'count' ? number : number + ' ' + unit;
}

const percent = (part, all) => (all ? 100 * part / all : 0).toFixed(2) + '%';
const signed = text => text === '0' || text.startsWith('-') ? text : '+' + text;

// Lines that tell of a frame: its name first.
function describe({tree, node}) {
  const type = state.type, unit = data.types[type].unit, all = whole.total(type, 0);
  const lines = [data.names[tree.name[node]]];
  const line = (what, value) => lines.push(what + ': ' + format(value, unit) + ', ' + percent(value, all));
  line('total', tree.total(type, node));
  if (tree.costs.self) line('self', tree.costs.self[type][node]);
  const shown = state.fn < 0 ? whole.total(type, state.root) : sandwich.callees.total(type, 0);
  if (shown !== all) lines.push('of what is shown: ' + percent(tree.total(type, node), shown));
  if (tree.base) {
    const before = tree.base.total[type][node], allBefore = whole.base.total[type][0];
    lines.push('before: ' + format(before, unit) + ', ' + percent(before, allBefore));
    const change = tree.total(type, node) - before;
    lines.push('change: ' + signed(format(change, unit)));
    if (tree.costs.self) lines.push('change of self: ' + signed(format(tree.delta(type, node), unit)));
  }
  return lines;
}

// Frames of a subtree that are wide enough, added to rows[rowOf(level)]; gives how many levels there are.
function place(tree, root, fromLevel, rowOf, width) {
  const type = state.type, children = tree.order(type, state.heavy), all = tree.total(type, root);
  const open = [{node: root, x: 0, level: 0}];
  let levels = 0;
  while (open.length) {
    const {node, x, level} = open.pop();
    levels = Math.max(levels, level + 1);
    if (level >= fromLevel) {
      const row = rowOf(level);
      (rows[row] = rows[row] || []).push({tree, node, x, w: all ? tree.total(type, node) / all * width : width});
    }
    let at = x;
    for (let i = tree.first[node]; i < tree.first[node + 1]; ++i) {
      const w = all ? tree.total(type, children[i]) / all * width : 0;
      if (w >= kLeast) open.push({node: children[i], x: at, level: level + 1});
      at += w;
    }
  }
  return levels;
}

function layout() {
  const width = view.clientWidth;
  rows = [];
  let middle = 0;
  if (state.fn < 0) {
    place(whole, state.root, 0, level => level, width);
    if (!state.icicle) rows.reverse();
  } else {
    if (!sandwich || sandwich.fn !== state.fn) sandwich = {fn: state.fn, ...around(whole, state.fn)};
    place(sandwich.callers, 0, 1, level => level - 1, width);
    rows.reverse();
    middle = rows.length;
    place(sandwich.callees, 0, 0, level => middle + level, width);
  }
  for (const row of rows) row.sort((a, b) => a.x - b.x);
  view.scrollTop = 0;
  $('extent').style.height = rows.length * kRow + 'px';
  if (state.fn >= 0) view.scrollTop = (middle + 1) * kRow - view.clientHeight / 2;
  else if (!state.icicle) view.scrollTop = rows.length * kRow;
  draw();
}

// Where the first row is drawn: a flame stands on the lower edge.
const offset = () => state.fn < 0 && !state.icicle ? Math.max(0, view.clientHeight - rows.length * kRow) : 0;

function color({tree, node}) {
  if (matches && matches[tree.name[node]]) return 'rgb(230,90,230)';
  if (tree.base) {
    const delta = tree.delta(state.type, node) * (data.negate ? -1 : 1);
    if (!delta) return 'rgb(236,236,236)';
    const pale = Math.round(210 * (1 - Math.abs(delta) / tree.largestDelta(state.type)));
    return delta > 0 ? `rgb(255,${pale},${pale})` : `rgb(${pale},${pale},255)`;
  }
  let hash = 2166136261;
  const name = data.names[tree.name[node]];
  for (let i = 0; i < name.length; ++i) hash = Math.imul(hash ^ name.charCodeAt(i), 16777619);
  hash >>>= 0;
  return `hsl(${hash % 52},${70 + (hash >>> 8) % 25}%,${60 + (hash >>> 16) % 14}%)`;
}

function draw() {
  const width = view.clientWidth, height = view.clientHeight, ratio = window.devicePixelRatio || 1;
  if (canvas.width !== Math.round(width * ratio) || canvas.height !== Math.round(height * ratio)) {
    canvas.width = Math.round(width * ratio);
    canvas.height = Math.round(height * ratio);
    canvas.style.width = width + 'px';
    canvas.style.height = height + 'px';
  }
  context = context || canvas.getContext('2d');
  context.setTransform(ratio, 0, 0, ratio, 0, 0);
  context.clearRect(0, 0, width, height);
  context.font = '11px ui-monospace, monospace';
  context.textBaseline = 'middle';
  const top = offset() - view.scrollTop;
  for (let r = Math.max(0, Math.floor(-top / kRow)); r < rows.length && top + r * kRow < height; ++r)
    for (const frame of rows[r] || []) drawFrame(frame, top + r * kRow);
}

function drawFrame(frame, y) {
  const name = data.names[frame.tree.name[frame.node]];
  context.globalAlpha = matches && !matches[frame.tree.name[frame.node]] ? 0.5 : 1;
  context.fillStyle = color(frame);
  context.fillRect(frame.x, y, Math.max(frame.w - 0.5, 0.3), kRow - 1);
  const fits = Math.floor((frame.w - 6) / kLetter);
  if (fits < 3) return;
  context.globalAlpha = 1;
  context.fillStyle = '#000';
  context.save();
  context.beginPath();
  context.rect(frame.x, y, frame.w - 1, kRow);
  context.clip();
  context.fillText(name.length <= fits ? name : name.slice(0, fits - 2) + '..', frame.x + 3, y + kRow / 2);
  context.restore();
}

function frameAt(event) {
  const box = canvas.getBoundingClientRect();
  const x = event.clientX - box.left, r = Math.floor((event.clientY - box.top - offset() + view.scrollTop) / kRow);
  return (rows[r] || []).find(f => x >= f.x && x < f.x + f.w) || null;
}

// Share of the outermost frames that match, of a subtree of the whole.
function matchedShare(root) {
  const type = state.type, children = whole.order(type, false), open = [root];
  let sum = 0;
  while (open.length) {
    const node = open.pop();
    if (matches[whole.name[node]]) {
      sum += whole.total(type, node);
      continue;
    }
    for (let i = whole.first[node]; i < whole.first[node + 1]; ++i) open.push(children[i]);
  }
  return percent(sum, whole.total(type, root));
}

function search() {
  matches = pattern = null;
  let told = '';
  if (state.query) {
    try {
      // As long as it has no capital letter, a pattern finds both.
      pattern = new RegExp(state.query, /[A-Z]/.test(state.query) ? 'u' : 'ui');
    } catch (e) {
      told = 'not a regular expression';
    }
  }
  if (pattern) {
    matches = data.names.map(name => pattern.test(name));
    told = 'matched: ' + matchedShare(0);
    if (state.root !== 0 && state.fn < 0) told += ', of what is shown ' + matchedShare(state.root);
  }
  $('matched').textContent = told;
}

function showPath() {
  const path = $('path');
  path.replaceChildren();
  const add = (tag, text) => {
    const e = document.createElement(tag);
    e.textContent = text;
    path.append(e);
    return e;
  };
  if (state.fn >= 0) {
    add('span', 'callers above, callees below: ');
    add('strong', data.names[state.fn]);
    return;
  }
  if (state.root === 0) return;
  const nodes = [];
  for (let n = state.root; n !== 0; n = whole.parent[n]) nodes.push(n);
  for (const n of [0, ...nodes.reverse()]) {
    if (n !== 0) add('span', ' › ');
    const button = add('button', data.names[whole.name[n]]);
    button.type = 'button';
    button.addEventListener('click', () => change({root: n}));
  }
  path.scrollTop = path.scrollHeight;
}

const kKeys = {type: 't', root: 'n', fn: 'f', query: 'q', icicle: 'i', heavy: 'h'};

function writeHash() {
  const words = new URLSearchParams();
  const usual = {type: 0, root: 0, fn: -1, query: '', icicle: data.inverted, heavy: false};
  for (const [key, short] of Object.entries(kKeys))
    if (state[key] !== usual[key]) words.set(short, String(typeof state[key] === 'boolean' ? +state[key] : state[key]));
  const hash = words.toString();
  try {
    history.replaceState(null, '', hash ? '#' + hash : location.pathname + location.search);
  } catch (e) {
    // Where the page stands in a frame that has no address of its own, its state can't be kept.
  }
}

function readHash() {
  const words = new URLSearchParams(location.hash.slice(1));
  const number = (short, least, limit, usual) => {
    const n = Number(words.get(short) ?? NaN);
    return Number.isInteger(n) && n >= least && n < limit ? n : usual;
  };
  state.type = number('t', 0, data.types.length, 0);
  state.root = number('n', 0, whole.size, 0);
  state.fn = number('f', 0, data.names.length, -1);
  state.query = words.get('q') || '';
  state.icicle = number('i', 0, 2, +data.inverted) === 1;
  state.heavy = number('h', 0, 2, 0) === 1;
}

function show() {
  $('type').value = String(state.type);
  if ($('search').value !== state.query) $('search').value = state.query;
  $('invert').textContent = state.icicle ? 'Icicle' : 'Flame';
  $('order').textContent = state.heavy ? 'Heaviest left' : 'By name';
  $('sandwich').disabled = state.root === 0 && state.fn < 0;
  $('sandwich').setAttribute('aria-pressed', String(state.fn >= 0));
  $('reset').disabled = state.root === 0 && state.fn < 0 && !state.query;
  search();
  showPath();
  layout();
  const all = whole.total(state.type, 0);
  $('details').textContent = all === 0 ? 'No samples of this type.' : describe(
    state.fn < 0 ? {tree: whole, node: state.root} : {tree: sandwich.callees, node: 0}).join(' · ');
  canvas.setAttribute('aria-label', 'Flame graph of ' + data.title + '. ' + $('details').textContent);
}

function change(what) {
  Object.assign(state, what);
  hover(null);
  writeHash();
  show();
}

function hover(frame, event) {
  tip.hidden = !frame;
  if (!frame) return;
  const [name, ...lines] = describe(frame);
  const title = document.createElement('b');
  title.textContent = name;
  tip.replaceChildren(title, ...lines.map(text => {
    const e = document.createElement('div');
    e.textContent = text;
    return e;
  }));
  const x = Math.min(event.clientX + 14, window.innerWidth - tip.offsetWidth - 6);
  const below = event.clientY + 18 + tip.offsetHeight < window.innerHeight;
  tip.style.left = Math.max(4, x) + 'px';
  tip.style.top = Math.max(4, below ? event.clientY + 18 : event.clientY - tip.offsetHeight - 10) + 'px';
}

function choose(frame, withCallers) {
  if (!frame) return;
  const name = frame.tree.name[frame.node];
  if (state.fn >= 0 || (withCallers && frame.node !== 0)) change({fn: name});
  else change({root: frame.node});
}

function toggleSandwich() {
  if (state.fn >= 0) change({fn: -1});
  else if (state.root !== 0) change({fn: whole.name[state.root]});
}

function stepBack() {
  if (state.fn >= 0) change({fn: -1});
  else if (state.root !== 0) change({root: 0});
  else if (state.query) change({query: ''});
}

function listen() {
  canvas.addEventListener('mousemove', e => hover(frameAt(e), e));
  canvas.addEventListener('mouseleave', () => hover(null));
  canvas.addEventListener('click', e => choose(frameAt(e), e.shiftKey));
  view.addEventListener('scroll', () => { hover(null); draw(); });
  $('search').addEventListener('input', e => change({query: e.target.value}));
  $('type').addEventListener('change', e => change({type: Number(e.target.value)}));
  $('invert').addEventListener('click', () => change({icicle: !state.icicle}));
  $('order').addEventListener('click', () => change({heavy: !state.heavy}));
  $('sandwich').addEventListener('click', toggleSandwich);
  $('reset').addEventListener('click', () => change({root: 0, fn: -1, query: ''}));
  window.addEventListener('hashchange', () => { readHash(); show(); });
  document.addEventListener('keydown', e => {
    if (e.ctrlKey || e.metaKey || e.altKey) return;
    const typing = e.target === $('search');
    if (e.key === 'Escape' && typing) {
      if (state.query) change({query: ''});
      else e.target.blur();
    } else if (e.key === 'Escape') {
      stepBack();
    } else if (!typing && e.target !== $('type')) {
      const action = {'/': () => $('search').focus(), i: () => $('invert').click(), o: () => $('order').click(),
                      c: toggleSandwich}[e.key];
      if (!action) return;
      action();
      e.preventDefault();
    }
  });
  new ResizeObserver(layout).observe(view);
}

$('title').textContent = data.title;
$('subtitle').textContent = data.subtitle + (data.reversed ? (data.subtitle ? ', ' : '') + 'reversed: callers stand on what they call' : '');
for (const [i, type] of data.types.entries()) {
  const option = document.createElement('option');
  option.value = String(i);
  option.textContent = type.name + (type.unit ? ' (' + type.unit + ')' : '');
  $('type').append(option);
}
$('type').hidden = data.types.length < 2;
for (const note of data.notes) {
  const item = document.createElement('li');
  item.textContent = note;
  $('notes').append(item);
}
if (data.base) {
  const [more, less] = data.negate ? ['blue', 'red'] : ['red', 'blue'];
  $('legend').textContent = `${more}: costs more by itself than before, ${less}: less; widths are the later profile's.`;
}
readHash();
listen();
show();

// For scripts: what is drawn, in px of the page, and the state behind it.
window.flamegraph = Object.freeze({
  frames: () => rows.flatMap((row, r) => (row || []).map(f => {
    const box = canvas.getBoundingClientRect();
    return {name: data.names[f.tree.name[f.node]], x: box.left + f.x, y: box.top + offset() - view.scrollTop + r * kRow,
            width: f.w, row: r, total: f.tree.total(state.type, f.node), color: color(f)};
  })),
  state: () => ({...state}),
});
})();
