"""Random profiles as profile.proto bytes, made from a seed alone: inlining, recursion, labels, negative values, units,
many mappings, missing symbols, several sample types."""
import gzip
import random


def varint(n):
    n &= (1 << 64) - 1
    out = bytearray()
    while n > 0x7F:
        out.append(n & 0x7F | 0x80)
        n >>= 7
    out.append(n)
    return bytes(out)


def number(field, value):
    return varint(field << 3) + varint(value) if value else b""


def message(field, data):
    return varint(field << 3 | 2) + varint(len(data)) + data


NAMES = [
    "main.main", "main.(*Server).handle", "main.work.func1", "runtime.mallocgc", "runtime.gcBgMarkWorker",
    "encoding/json.(*Decoder).Decode", "golang.org/x/net/http2.(*Framer).ReadFrame", "sort.Slice[go.shape.int_0]",
    "main.Map[go.shape.string_0,go.shape.int_1]", "std::vector<int>::push_back", "std::map<int, std::string>::find",
    "(anonymous namespace)::parse", "operator new", "malloc", "free", "__libc_start_main", "java.util.HashMap.get",
    "com.example.Service$Handler.run", "core::fmt::write", "alloc::vec::Vec<T,A>::push", "a b c", "tiny", "x",
    "very_long_name_" + "abcdefghij" * 12, "\u00fcber.gr\u00f6\u00dfe", "quote\"back\\slash", "new\tline", "[kernel]",
]
FILES = ["src/main.go", "src/server.go", "/usr/src/app/../app/worker.cc", "lib/./deep//list.h", "", "/proc/self/cwd/x/y.cc",
         "src/json.go", "we\"ird\\dir/a\"b.go", "/home/me/go/pkg/mod/golang.org/x/net@v0.1.0/http2/frame.go"]
# None of them is there: local symbolization is not compared.
OBJECTS = ["/opt/none/server", "/none/x86_64-linux-gnu/libc.so.6", "[vdso]", "", "/none/lib/libz.so.1 (deleted)", "app",
           "//anon", "/none/quo\"te\\d", "[kernel.kallsyms]_stext", "/none/with space/bin"]
TYPES = [("samples", "count"), ("cpu", "nanoseconds"), ("alloc_objects", "count"), ("alloc_space", "bytes"),
         ("inuse_objects", "count"), ("inuse_space", "bytes"), ("contentions", "count"), ("delay", "nanoseconds"),
         ("wall", "microseconds"), ("io", "kilobytes"), ("widgets", "widgets"), ("time", "ms"), ("gcu", "GCU")]
STRING_LABELS = {"thread": ["main", "worker-1", "worker-2", ""], "path": ["/get", "/put?x=1", "a,b"], "key1": ["v1", "v\"2", "v3"]}
NUMBER_LABELS = {"bytes": ["bytes", "kilobytes", "", "bytes"], "latency": ["ms", "s", "microseconds"], "request": [""], "odd": ["widgets", ""]}


class RandomProfile:
    """One profile of random samples. Those with equal `table_seed` and `types` have the same mappings, functions and
    locations, and merge."""

    def __init__(self, seed, types=None, table_seed=None):
        self.random = random.Random(f"tables {table_seed if table_seed is not None else seed}")
        self.strings = {"": 0}
        self.types = types or self.choose_types()
        self.make_tables()
        self.random = random.Random(f"samples {seed}")

    def text(self, s):
        return self.strings.setdefault(s, len(self.strings))

    def choose_types(self):
        return self.random.sample(TYPES, self.random.choice([1, 2, 2, 2, 3, 4]))

    def make_tables(self):
        r = self.random
        self.mappings, self.functions, self.locations = [], [], []
        start = 0x400000
        for i in range(r.choice([0, 1, 1, 2, 3, 8, 20])):
            size = r.choice([0x1000, 0x10000, 0x100000])
            offset = r.choice([0, 0, 0x1000])
            # With and without a build id; flags say what the symbolizer knew.
            self.mappings.append((i + 1, start, start + size, offset, r.choice(OBJECTS),
                                  r.choice(["", "abc%d" % i, "deadbeef"]), r.random() < 0.6))
            start += size + r.choice([0, 0x1000])
        for i in range(r.choice([1, 5, 20, 40])):
            name = r.choice(NAMES) + (str(r.randrange(4)) if r.random() < 0.3 else "")
            if r.random() < 0.03:
                name = ""
            system = name if r.random() < 0.9 else r.choice(["_ZN3foo3barEv", "sys_" + name, ""])
            self.functions.append((i * 2 + 1, name, system, r.choice(FILES), r.choice([0, 0, 3, 10])))
        for i in range(r.choice([1, 10, 30, 80])):
            mapping = r.choice(self.mappings) if self.mappings and r.random() < 0.95 else None
            if mapping and r.random() < 0.95:
                address = r.randrange(mapping[1], mapping[2])
            else:
                address = r.choice([0, 0x10, r.randrange(1 << 40)])
            lines = []
            for _ in range(r.choice([0, 1, 1, 1, 1, 2, 3])):
                lines.append((r.choice(self.functions)[0], r.choice([0, 1, 2, 5, 7, 12, r.randrange(40)]),
                              r.choice([0, 0, 3, r.randrange(80)])))
            self.locations.append((i + 1, mapping[0] if mapping else 0, address, lines, r.random() < 0.05))

    def value(self):
        r = self.random
        kind = r.random()
        if kind < 0.1:
            return 0
        if kind < 0.2:
            return r.randrange(1 << r.choice([3, 12, 40]))
        return r.randrange(1, 200) * r.choice([1, 1, 10, 10_000_000, 512 * 1024])

    def labels(self):
        r, out = self.random, []
        for key, values in STRING_LABELS.items():
            if r.random() < 0.3:
                out.append(number(1, self.text(key)) + number(2, self.text(r.choice(values))))
                if r.random() < 0.1:
                    out.append(number(1, self.text(key)) + number(2, self.text(r.choice(values))))
        for key, units in NUMBER_LABELS.items():
            if r.random() < 0.15:
                value = r.choice([1, 16, 1024, 4096, 1 << 20, -5, r.randrange(1, 100000)])
                out.append(number(1, self.text(key)) + number(3, value) + number(4, self.text(r.choice(units))))
        r.shuffle(out)
        return out

    def encode(self):
        r, out = self.random, bytearray()
        for kind, unit in self.types:
            out += message(1, number(1, self.text(kind)) + number(2, self.text(unit)))
        negative, labelled = r.random() < 0.15, r.random() < 0.5
        for _ in range(r.choice([0, 1, 5, 40, 120])):
            depth = r.choice([0, 1, 2, 4, 8, 15])
            stack = [r.choice(self.locations)[0] for _ in range(depth)]
            if depth > 2 and r.random() < 0.2:
                stack[1] = stack[0]
            sample = message(1, b"".join(map(varint, stack))) if stack else b""
            values = [self.value() * (-1 if negative and r.random() < 0.3 else 1) for _ in self.types]
            sample += message(2, b"".join(map(varint, values)))
            for label in self.labels() if labelled else []:
                sample += message(3, label)
            out += message(2, sample)
        for id_, start, limit, offset, file, build, symbols in self.mappings:
            out += message(3, number(1, id_) + number(2, start) + number(3, limit) + number(4, offset) +
                           number(5, self.text(file)) + number(6, self.text(build)) + number(7, symbols) + number(8, symbols) +
                           number(9, symbols) + number(10, symbols))
        for id_, mapping, address, lines, folded in self.locations:
            body = number(1, id_) + number(2, mapping) + number(3, address)
            for function, line, column in lines:
                body += message(4, number(1, function) + number(2, line) + number(3, column))
            out += message(4, body + number(5, folded))
        for id_, name, system, file, start in self.functions:
            out += message(5, number(1, id_) + number(2, self.text(name)) + number(3, self.text(system)) +
                           number(4, self.text(file)) + number(5, start))
        if r.random() < 0.2:
            out += number(7, self.text(r.choice(["malloc|free", "runtime\\..*", ".*"])))
            if r.random() < 0.5:
                out += number(8, self.text(r.choice(["free", "main.*"])))
        if r.random() < 0.8:
            out += number(9, r.choice([1_700_000_000_000_000_000, 1_600_000_000_123_456_789]))
            out += number(10, r.choice([0, 1_000_000_000, 30_123_000_000, 3_600_000_000_000]))
        kind, unit = self.types[-1]
        out += message(11, number(1, self.text(kind)) + number(2, self.text(unit)))
        out += number(12, r.choice([0, 1, 10_000_000, 524288]))
        if r.random() < 0.3:
            out += message(13, b"".join(varint(self.text(c)) for c in r.sample(["a comment", "second", "x=y"], 2)))
        if r.random() < 0.3:
            out += number(14, self.text(r.choice(self.types)[0]))
        if r.random() < 0.1:
            out += number(15, self.text("https://example.org/doc"))
        for s in self.strings:
            out += message(6, s.encode())
        return gzip.compress(bytes(out), 1, mtime=0) if r.random() < 0.7 else bytes(out)
