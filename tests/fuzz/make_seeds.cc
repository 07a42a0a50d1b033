// Writes the seeds that are no texts: make_seeds tests/fuzz/seeds. Run it again when a format changes.

#include <elf.h>
#include <sys/stat.h>
#include <zstd.h>

#include <cstdio>
#include <cstdlib>
#include <memory>

#include "base/bytes.h"
#include "base/fd.h"
#include "base/listeners.h"
#include "base/symbols_message.h"
#include "base/window.h"
#include "base/wire.h"
#include "converters/pprof/encode.h"
#include "store/embedded/block_codec.h"
#include "tests/support/perf_file.h"
#include "tests/support/random_profile.h"
#include "tests/support/small_profile.h"

using namespace watchfire;

namespace {

std::string directory;

void write_seed(const std::string& target, const std::string& name, std::string_view bytes) {
  ::mkdir((directory + "/" + target).c_str(), 0755);
  if (!write_file_atomically(directory + "/" + target + "/" + name, bytes)) std::abort();
}

std::string with_selector(int selector, std::span<const std::byte> bytes) {
  return static_cast<char>(selector) + std::string(as_text(bytes));
}

void write_profiles() {
  auto small = testing::small_profile();
  write_seed("pprof", "small", converters::encode_pprof(small));
  write_seed("pprof", "small_gz", converters::encode_pprof_gz(small));
  auto random = testing::random_profile(
      7, {.mappings = 2, .functions = 8, .locations = 12, .samples = 12, .max_depth = 6, .negative_values = true});
  random.drop_frames = random.strings.intern("malloc");
  random.keep_frames = random.strings.intern("keep");
  random.default_sample_type = random.strings.intern("type0");
  random.doc_url = random.strings.intern("https://example.com");
  write_seed("pprof", "random", converters::encode_pprof(random));
  auto words = [](auto... w) {
    ByteWriter out;
    (out.write(w), ...);
    return std::string(out.text());
  };
  std::string map = "00400000-00500000 r-xp 00000000 08:01 1234 /usr/bin/server\n";
  auto cpu = [&]<typename W>(W) {
    return words(W{0}, W{3}, W{0}, W{10000}, W{0}, W{5}, W{2}, W{0x400100}, W{0x400201}, W{0}, W{1}, W{0}) + map;
  };
  write_seed("pprof", "cpu_64", cpu(uint64_t{}));
  write_seed("pprof", "cpu_32", cpu(uint32_t{}));
}

// A file's header is the plain kind with the seed's first byte before it, which tells it from symbols.
void write_perf_files() {
  testing::PerfFile f;
  f.comm(7, 7, 1, "server", false);
  f.mmap2(7, 0x400000, 0x10000, 2, "/bin/server");
  f.mmap2(UINT32_MAX, 0xffffffff80000000, 0x1000000, 0, "[kernel.kallsyms]_text");
  f.fork(9, 7, 3);
  f.sample({.ip = 0x401000, .pid = 7, .tid = 8, .time = 10, .period = 5, .chain = {~0ull - 511, 0x401000, 0x402000}});
  f.comm(9, 9, 11, "child", true);
  f.sample({.ip = 0xffffffff80000010, .pid = 9, .tid = 9, .time = 12});
  f.record(2, 0, std::string("\1\0\0\0\0\0\0\0\5\0\0\0\0\0\0\0", 16));
  std::string plain = f.bytes();
  write_seed("perf_data", "file", "f" + plain);
  // The records of the file as one compressed record, in a pipe that describes its event first.
  constexpr size_t kAttrAt = 104, kAttrBytes = 96, kDataAt = kAttrAt + kAttrBytes + 16;
  std::string records = plain.substr(kDataAt, plain.size() - kDataAt - 16 - 8 - kAttrBytes - 16);
  std::unique_ptr<ZSTD_CCtx, size_t (*)(ZSTD_CCtx*)> context(ZSTD_createCCtx(), ZSTD_freeCCtx);
  std::string packed(ZSTD_compressBound(records.size()), '\0');
  ZSTD_inBuffer in{records.data(), records.size(), 0};
  ZSTD_outBuffer out{packed.data(), packed.size(), 0};
  if (ZSTD_compressStream2(context.get(), &out, &in, ZSTD_e_flush) != 0) std::abort();
  packed.resize(out.pos);
  testing::PerfFile pipe;
  pipe.record(64, 0, plain.substr(kAttrAt, kAttrBytes));
  pipe.record(78, 0, std::string("\2\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0cycles\0\0", 24));
  pipe.record(80, 0,
              std::string("\5\0\0\0\0\0\0\0\4\0\0\0"
                          "6.1\0",
                          16));
  pipe.record(81, 0, packed);
  write_seed("perf_data", "pipe", "fPERFILE2" + std::string("\20\0\0\0\0\0\0\0", 8) + pipe.records());
  write_seed("perf_data", "map", "m1000 100 f\n1080 10 g h\nx\n");
}

// A block with one profile, and its two chunks as the store target takes them.
void write_block(const std::string& name, const profile::Profile& p) {
  store::BlockWriter writer;
  writer.add(p);
  std::string block = writer.finish();
  write_seed("store", name, std::string(1, '\0') + block);
  std::string_view rest(block);
  ByteReader tail(rest.substr(rest.size() - 13));
  auto footer_bytes = tail.read<uint32_t>();
  ByteReader footer(rest.substr(rest.size() - 13 - footer_bytes));
  std::string chunks[2];
  for (std::string& raw : chunks) {
    auto offset = footer.read<uint64_t>();
    auto bytes = footer.read<uint32_t>();
    raw.resize(footer.read<uint32_t>());
    footer.read<uint32_t>();
    if (ZSTD_decompress(raw.data(), raw.size(), block.data() + offset, bytes) != raw.size()) std::abort();
  }
  ByteWriter w;
  w.write(uint8_t{1});
  w.write(static_cast<uint16_t>(chunks[0].size()));
  for (const std::string& raw : chunks) w.write_bytes(as_bytes(raw));
  write_seed("store", name + "_chunks", w.text());
}

RawWindow make_window() {
  RawWindow w;
  w.session = 7;
  w.sequence = 1;
  w.start_ns = 1'700'000'000 * kSecond;
  w.end_ns = w.start_ns + 10 * kSecond;
  w.sample_hz = 19;
  w.cpus = 2;
  w.period_ns = kSecond / 19;
  w.expected_samples = 380;
  w.idle_samples = 370;
  w.lost["ring_full"] = 2;
  WindowProcess server{.pid = 12, .exec_id = 1, .start_boot_ns = kMinute, .comm = "server", .exe = "server"};
  server.cgroup = "/system.slice/server.service";
  server.unit = "server.service";
  server.executable = 0;
  WindowProcess kernel{.pid = 2, .comm = "kthreadd", .kernel_thread = 1};
  w.processes = {server, kernel};
  w.files = {{.id = "aabb", .path = "/usr/bin/server", .build_id = "aabb"},
             {.id = "kernel:6.1", .path = "[kernel]", .kind = WindowFileKind::kKernel},
             {.id = "[anon]", .path = "[anon]", .kind = WindowFileKind::kAnonymous}};
  w.names = {"schedule", "worker"};
  w.frames = {{0x1000, 0}, {0x40, 1, 0}, {0x7f00, 2}};
  w.stack_frames = {1, 0, 2, 0};
  w.stack_ends = {2, 3, 4};
  w.samples = {{.process = 0, .tid = 12, .thread_name = 1, .stack = 0, .count = 5, .end = StackEnd::kEndOfChain},
               {.process = 0, .tid = 13, .stack = 1, .count = 2, .end = StackEnd::kBadFramePointer},
               {.process = 1, .tid = 2, .stack = 2, .count = 1}};
  for (auto& s : w.samples) s.weight_ns = s.count * w.period_ns;
  return w;
}

void write_messages() {
  write_seed("messages", "window", with_selector(0, encode_window(make_window())));
  ListenersMessage listeners{.listeners = {{.pid = 1,
                                            .address = "127.0.0.1",
                                            .port = 6060,
                                            .has_pprof_handlers = 1,
                                            .comm = "api",
                                            .exe = "api",
                                            .unit = "api.service"}}};
  write_seed("messages", "listeners", with_selector(1, encode_listeners(listeners)));
  WantedSymbols wanted{.request = 1, .file_id = "aabb", .addresses = {0x1000, 0x2000}};
  write_seed("messages", "wanted", with_selector(2, encode_wanted_symbols(wanted)));
  SymbolsAnswer answer{.request = 1, .file_id = "aabb", .symbols = {{0x1000, {{"f()", "_Z1fv", "f.cc", 3, 1}}}}};
  write_seed("messages", "symbols", with_selector(3, encode_symbols_answer(answer)));
  FileFacts facts{.request = 2, .is_elf = 1, .file_id = "aabb", .build_id = "aabb", .segments = {{0, 4096, 0x400000}}};
  write_seed("messages", "facts", with_selector(4, encode_file_facts(facts)));
  ByteWriter packets;
  packets.write(uint8_t{sizeof(WireHeader) + 4});
  packets.write(WireHeader{.length = 4, .type = static_cast<uint16_t>(WireType::kWindowAck)});
  packets.write(uint32_t{1});
  packets.write(uint8_t{sizeof(WireHeader)});
  packets.write(WireHeader{.length = 70'000, .type = static_cast<uint16_t>(WireType::kWindow), .flags = kWireInMemfd});
  write_seed("messages", "packets", with_selector(5, packets.bytes()));
  write_seed("messages", "inspect", with_selector(6, encode_inspect_request({.request = 3, .want_pprof = 1})));
  write_seed("messages", "ack", with_selector(7, encode_window_ack({7, 1})));
}

// A function table of Go with two functions, for a text that starts at 0x1000: Go 1.20's layout, 1.18's or 1.16's.
std::vector<std::byte> make_pclntab(uint32_t magic) {
  bool wide = magic == 0xfffffffa, has_start_line = magic == 0xfffffff1;
  ByteWriter w;
  auto number = [&](uint64_t v) { wide ? w.write(v) : w.write(static_cast<uint32_t>(v)); };
  w.write(magic);
  w.write(uint16_t{0});
  w.write(uint8_t{1});
  w.write(uint8_t{8});
  uint64_t head = wide ? 64 : 72;
  w.write(uint64_t{2});
  w.write(uint64_t{1});
  if (!wide) w.write(uint64_t{0x1000});
  for (uint64_t part : {0, 24, 28, 36, 48}) w.write(head + part);
  w.write_bytes(as_bytes(std::string_view("main.alpha\0main.beta\0\0\0", 24)));
  w.write(uint32_t{0});
  w.write_bytes(as_bytes(std::string_view("a.go\0\0\0\0", 8)));
  // At 1: file 0 for 0x100 bytes. At 5: line 7 for 0x10, then 9 for 0xf0.
  w.write_bytes(as_bytes(std::string_view("\0\2\x80\2\0\x10\x10\4\xf0\1\0\0", 12)));
  uint64_t base = wide ? 0x1000 : 0, first = wide ? 40 : 20, each = wide ? 48 : 44;
  for (uint64_t v : {base, first, base + 0x100, first + each, base + 0x200}) number(v);
  for (uint32_t name : {0u, 11u}) {
    number(base);
    for (uint32_t v : {name, 0u, 0u, 0u, 1u, 5u, 0u, 0u}) w.write(v);
    w.write(has_start_line ? 6u : 0u);
    w.write(0u);
  }
  return w.release();
}

/// A small ELF file: code, build id, two symbols, and `table` as the section called `name`.
std::string make_elf(std::string_view name, std::span<const std::byte> table) {
  constexpr size_t kSegments = 64, kNotes = 0xb0, kSymbols = 0xd0, kStrings = 0x120, kNames = 0x130, kTable = 0x190,
                   kSections = 0x2e0;
  std::string bytes(kSections + 6 * sizeof(Elf64_Shdr), '\0');
  auto put = [&](size_t at, const auto& value) { std::memcpy(bytes.data() + at, &value, sizeof value); };
  auto text = [&](size_t at, std::string_view t) { std::memcpy(bytes.data() + at, t.data(), t.size()); };
  Elf64_Ehdr header{};
  std::memcpy(header.e_ident, ELFMAG, SELFMAG);
  header.e_ident[EI_CLASS] = ELFCLASS64;
  header.e_ident[EI_DATA] = ELFDATA2LSB;
  header.e_type = ET_EXEC;
  header.e_phoff = kSegments;
  header.e_phentsize = sizeof(Elf64_Phdr);
  header.e_phnum = 2;
  header.e_shoff = kSections;
  header.e_shentsize = sizeof(Elf64_Shdr);
  header.e_shnum = 6;
  header.e_shstrndx = 3;
  put(0, header);
  put(kSegments, Elf64_Phdr{PT_LOAD, PF_R | PF_X, 0, 0x400800, 0, 0x100, 0x100, 0x1000});
  put(kSegments + sizeof(Elf64_Phdr), Elf64_Phdr{PT_NOTE, PF_R, kNotes, 0, 0, 24, 0, 4});
  put(kNotes, Elf64_Nhdr{4, 8, NT_GNU_BUILD_ID});
  text(kNotes + 12, {"GNU\0\1\2\3\4\5\6\7\x8", 12});
  put(kSymbols + 24, Elf64_Sym{1, ELF64_ST_INFO(STB_GLOBAL, STT_FUNC), 0, 1, 0x400810, 0x10});
  put(kSymbols + 48, Elf64_Sym{7, ELF64_ST_INFO(STB_LOCAL, STT_FUNC), 0, 1, 0x400840, 0});
  text(kStrings, {"\0_Z1fv\0local\0", 13});
  text(kNames, {"\0.symtab\0.strtab\0.names\0.plt\0", 30});
  text(kNames + 30, name);
  text(kTable, as_text(table));
  auto section = [&](size_t i, const Elf64_Shdr& s) { put(kSections + i * sizeof s, s); };
  section(1, {1, SHT_SYMTAB, 0, 0, kSymbols, 3 * sizeof(Elf64_Sym), 2, 0, 8, 24});
  section(2, {9, SHT_STRTAB, 0, 0, kStrings, 16, 0, 0, 1, 0});
  section(3, {17, SHT_STRTAB, 0, 0, kNames, 0x60, 0, 0, 1, 0});
  section(4, {30, SHT_PROGBITS, 0, 0, kTable, table.size(), 0, 0, 1, 0});
  section(5, {24, SHT_PROGBITS, SHF_ALLOC, 0x401000, kTable, 0x40, 0, 0, 1, 0});
  return bytes;
}

void write_elf_files() {
  write_seed("elf", "go_1_20", make_elf(".gopclntab", make_pclntab(0xfffffff1)));
  write_seed("elf", "go_1_18", make_elf(".data.rel.ro.gopclntab", make_pclntab(0xfffffff0)));
  write_seed("elf", "go_1_16", make_elf(".gopclntab", make_pclntab(0xfffffffa)));
  write_seed("elf", "plain", make_elf(".text", as_bytes("GET /debug/pprof/profile net/http/pprof.Index")));
  std::string no_id = make_elf(".text", as_bytes("code"));
  no_id[0xb0 + 12] = 'X';
  write_seed("elf", "no_build_id", no_id);
}

void write_blocks() {
  write_block("small", testing::small_profile());
  write_block("random", testing::random_profile(9, {.functions = 8, .locations = 12, .samples = 12, .max_depth = 6}));
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fputs("usage: make_seeds DIRECTORY\n", stderr);
    return 2;
  }
  directory = argv[1];
  ::mkdir(directory.c_str(), 0755);
  write_profiles();
  write_perf_files();
  write_blocks();
  write_messages();
  write_elf_files();
}
