#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"

namespace watchfire::testing {

/// Makes a perf.data file with one event "cycles" whose samples have ip, tid, time, period and a callchain.
class PerfFile {
 public:
  struct Sample {
    uint64_t ip = 0;
    uint32_t pid = 0;
    uint32_t tid = 0;
    uint64_t time = 0;
    uint64_t period = 1;
    std::vector<uint64_t> chain;
  };

  void record(uint32_t type, uint16_t misc, std::string_view payload) {
    records_.write(type);
    records_.write(misc);
    records_.write(static_cast<uint16_t>(8 + payload.size()));
    records_.write_bytes(as_bytes(payload));
  }

  void sample(const Sample& s) {
    ByteWriter w;
    w.write(s.ip);
    w.write(s.pid);
    w.write(s.tid);
    w.write(s.time);
    w.write(s.period);
    w.write(uint64_t{s.chain.size()});
    for (uint64_t address : s.chain) w.write(address);
    record(9, 2, w.text());
  }

  void mmap2(uint32_t pid, uint64_t start, uint64_t size, uint64_t time, std::string_view file) {
    ByteWriter w;
    w.write(pid);
    w.write(pid);
    w.write(start);
    w.write(size);
    for (int i = 0; i < 5; ++i) w.write(uint64_t{0});
    write_text(w, file);
    write_trailer(w, pid, pid, time);
    record(10, 2, w.text());
  }

  void comm(uint32_t pid, uint32_t tid, uint64_t time, std::string_view name, bool is_exec) {
    ByteWriter w;
    w.write(pid);
    w.write(tid);
    write_text(w, name);
    write_trailer(w, pid, tid, time);
    record(3, is_exec ? 1 << 13 : 0, w.text());
  }

  void fork(uint32_t pid, uint32_t parent, uint64_t time) {
    ByteWriter w;
    for (uint32_t word : {pid, parent, pid, parent}) w.write(word);
    w.write(time);
    write_trailer(w, parent, parent, time);
    record(7, 0, w.text());
  }

  /// The records alone.
  std::string records() const { return std::string(records_.text()); }

  std::string bytes() const {
    constexpr uint64_t kAttrBytes = 96;
    constexpr uint64_t kDataAt = 104 + kAttrBytes + 16;
    constexpr uint64_t kEventDesc = 12;
    ByteWriter w;
    w.write_bytes(as_bytes(std::string_view("PERFILE2")));
    for (uint64_t word :
         {uint64_t{104}, kAttrBytes + 16, uint64_t{104}, kAttrBytes + 16, kDataAt, uint64_t{records_.size()},
          uint64_t{0}, uint64_t{0}, uint64_t{1} << kEventDesc, uint64_t{0}, uint64_t{0}, uint64_t{0}}) {
      w.write(word);
    }
    std::string attr = attr_bytes();
    w.write_bytes(as_bytes(attr));
    w.write(uint64_t{0});
    w.write(uint64_t{0});
    w.write_bytes(records_.bytes());
    ByteWriter desc;
    desc.write(uint32_t{1});
    desc.write(uint32_t{kAttrBytes});
    desc.write_bytes(as_bytes(attr));
    desc.write(uint32_t{0});
    desc.write(uint32_t{8});
    desc.write_bytes(as_bytes(std::string_view("cycles\0\0", 8)));
    w.write(uint64_t{w.size() + 16});
    w.write(uint64_t{desc.size()});
    w.write_bytes(desc.bytes());
    return std::string(w.text());
  }

 private:
  static std::string attr_bytes() {
    constexpr uint64_t kSampleType = 1 | 2 | 4 | 32 | 256;
    constexpr uint64_t kSampleIdAll = 1 << 18;
    ByteWriter w;
    w.write(uint32_t{0});
    w.write(uint32_t{96});
    for (uint64_t word : {uint64_t{0}, uint64_t{1}, kSampleType, uint64_t{0}, kSampleIdAll}) w.write(word);
    for (int i = 0; i < 6; ++i) w.write(uint64_t{0});
    return std::string(w.text());
  }
  static void write_text(ByteWriter& w, std::string_view text) {
    w.write_bytes(as_bytes(text));
    for (size_t i = text.size(); i == text.size() || i % 8 != 0; ++i) w.write(uint8_t{0});
  }
  static void write_trailer(ByteWriter& w, uint32_t pid, uint32_t tid, uint64_t time) {
    w.write(pid);
    w.write(tid);
    w.write(time);
  }

  ByteWriter records_;
};

}  // namespace watchfire::testing
