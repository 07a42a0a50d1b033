#include "converters/pprof/encode.h"

#include <libdeflate.h>

#include <memory>
#include <vector>

#include "profile/sorted_labels.h"

namespace watchfire::converters {
namespace {

using profile::kNone;
using profile::Label;
using profile::Profile;
using profile::StringId;

class Writer {
 public:
  void varint(uint64_t v) {
    while (v >= 0x80) {
      out_ += static_cast<char>(v | 0x80);
      v >>= 7;
    }
    out_ += static_cast<char>(v);
  }
  void number(int field, uint64_t v) {
    varint(static_cast<uint64_t>(field) << 3);
    varint(v);
  }
  void optional_number(int field, uint64_t v) {
    if (v != 0) number(field, v);
  }
  void bytes(int field, std::string_view content) {
    varint(static_cast<uint64_t>(field) << 3 | 2);
    varint(content.size());
    out_ += content;
  }
  /// Repeated numbers: packed from three on.
  template <typename Range, typename Get>
  void numbers(int field, const Range& range, Writer& scratch, Get get) {
    if (range.size() <= 2) {
      for (const auto& element : range) number(field, get(element));
      return;
    }
    scratch.clear();
    for (const auto& element : range) scratch.varint(get(element));
    bytes(field, scratch.text());
  }
  void clear() { out_.clear(); }
  std::string_view text() const { return out_; }
  std::string& release() { return out_; }

 private:
  std::string out_;
};

/// Positions in the wire's string table, given in order of first use.
class WireStrings {
 public:
  explicit WireStrings(const Profile& p) : profile_(p), position_(p.strings.size(), kNone) { (*this)[0]; }
  uint32_t operator[](StringId id) {
    if (position_[id] == kNone) {
      position_[id] = static_cast<uint32_t>(order_.size());
      order_.push_back(id);
    }
    return position_[id];
  }
  void write(Writer& out) const {
    for (StringId id : order_) out.bytes(6, profile_.text(id));
  }

 private:
  const Profile& profile_;
  std::vector<uint32_t> position_;
  std::vector<StringId> order_;
};

class Encoder {
 public:
  explicit Encoder(const Profile& p) : p_(p), strings_(p) {}

  std::string run() {
    for (const auto& t : p_.sample_types) write_value_type(1, t);
    write_samples();
    for (const auto& m : p_.mappings) write_mapping(m);
    for (const auto& l : p_.locations) write_location(l);
    for (const auto& f : p_.functions) write_function(f);
    write_header();
    return std::move(out_.release());
  }

 private:
  void write_value_type(int field, const profile::ValueType& t) {
    message_.clear();
    uint32_t type = strings_[t.type];
    message_.optional_number(1, type);
    message_.optional_number(2, strings_[t.unit]);
    out_.bytes(field, message_.text());
  }

  /// The label fields of each label set, made when its first sample is written.
  std::string_view encoded_labels(uint32_t set) {
    if (label_texts_.empty()) label_texts_.resize(p_.label_sets.size());
    std::string& text = label_texts_[set];
    if (!text.empty()) return text;
    Writer label;
    Writer all;
    for (const Label& l : profile::sorted_labels(p_, p_.label_sets[set])) {
      label.clear();
      uint32_t key = strings_[l.key];
      label.optional_number(1, key);
      if (l.is_number == 0) label.optional_number(2, strings_[l.str]);
      if (l.is_number != 0) {
        label.optional_number(3, static_cast<uint64_t>(l.num));
        label.optional_number(4, strings_[l.unit]);
      }
      all.bytes(3, label.text());
    }
    text = std::move(all.release());
    return text;
  }

  void write_samples() {
    std::vector<int64_t> row(p_.values.size());
    for (size_t i = 0; i < p_.sample_count(); ++i) {
      message_.clear();
      message_.numbers(1, p_.stacks[p_.sample_stacks[i]], scratch_, [&](uint32_t l) { return p_.locations[l].id; });
      for (size_t t = 0; t < row.size(); ++t) row[t] = p_.values[t][i];
      message_.numbers(2, row, scratch_, [](int64_t v) { return static_cast<uint64_t>(v); });
      if (uint32_t set = p_.sample_label_sets[i]; set != 0) message_.release() += encoded_labels(set);
      out_.bytes(2, message_.text());
    }
  }

  void write_mapping(const profile::Mapping& m) {
    message_.clear();
    message_.optional_number(1, m.id);
    message_.optional_number(2, m.start);
    message_.optional_number(3, m.limit);
    message_.optional_number(4, m.file_offset);
    message_.optional_number(5, strings_[m.file]);
    message_.optional_number(6, strings_[m.build_id]);
    message_.optional_number(7, m.has_functions);
    message_.optional_number(8, m.has_filenames);
    message_.optional_number(9, m.has_line_numbers);
    message_.optional_number(10, m.has_inline_frames);
    out_.bytes(3, message_.text());
  }

  void write_location(const profile::Location& l) {
    message_.clear();
    message_.optional_number(1, l.id);
    message_.optional_number(2, l.mapping == kNone ? 0 : p_.mappings[l.mapping].id);
    message_.optional_number(3, l.address);
    for (const profile::Line& line : p_.lines_of(l)) {
      scratch_.clear();
      scratch_.optional_number(1, line.function == kNone ? 0 : p_.functions[line.function].id);
      scratch_.optional_number(2, static_cast<uint64_t>(line.line));
      scratch_.optional_number(3, static_cast<uint64_t>(line.column));
      message_.bytes(4, scratch_.text());
    }
    message_.optional_number(5, l.is_folded);
    out_.bytes(4, message_.text());
  }

  void write_function(const profile::Function& f) {
    message_.clear();
    message_.optional_number(1, f.id);
    message_.optional_number(2, strings_[f.name]);
    message_.optional_number(3, strings_[f.system_name]);
    message_.optional_number(4, strings_[f.file]);
    message_.optional_number(5, static_cast<uint64_t>(f.start_line));
    out_.bytes(5, message_.text());
  }

  void write_header() {
    // The scalars' strings get their positions before the table is written, in the order below.
    uint32_t drop = strings_[p_.drop_frames];
    uint32_t keep = strings_[p_.keep_frames];
    uint32_t period_type = strings_[p_.period_type.type];
    uint32_t period_unit = strings_[p_.period_type.unit];
    for (StringId c : p_.comments) strings_[c];
    uint32_t default_type = strings_[p_.default_sample_type];
    uint32_t doc = strings_[p_.doc_url];
    strings_.write(out_);
    out_.optional_number(7, drop);
    out_.optional_number(8, keep);
    out_.optional_number(9, static_cast<uint64_t>(p_.time_ns));
    out_.optional_number(10, static_cast<uint64_t>(p_.duration_ns));
    if (period_type != 0 || period_unit != 0) write_value_type(11, p_.period_type);
    out_.optional_number(12, static_cast<uint64_t>(p_.period));
    out_.numbers(13, p_.comments, scratch_, [&](StringId c) { return uint64_t{strings_[c]}; });
    out_.number(14, default_type);
    out_.optional_number(15, doc);
  }

  const Profile& p_;
  WireStrings strings_;
  std::vector<std::string> label_texts_;
  Writer out_;
  Writer message_;
  Writer scratch_;
};

}  // namespace

std::string encode_pprof(const Profile& p) {
  return Encoder(p).run();
}

std::string encode_pprof_gz(const Profile& p, int level) {
  std::string plain = encode_pprof(p);
  std::unique_ptr<libdeflate_compressor, void (*)(libdeflate_compressor*)> compressor(
      libdeflate_alloc_compressor(level), libdeflate_free_compressor);
  std::string out(libdeflate_gzip_compress_bound(compressor.get(), plain.size()), '\0');
  out.resize(libdeflate_gzip_compress(compressor.get(), plain.data(), plain.size(), out.data(), out.size()));
  return out;
}

}  // namespace watchfire::converters
