#include "converters/pprof/inflate.h"

#include <libdeflate.h>
#include <zlib.h>
#include <zstd.h>

#include <algorithm>
#include <cstring>

#include "base/memory.h"

namespace watchfire::converters {
namespace {

constexpr size_t kFirstChunk = 256 << 10;
constexpr size_t kGzipMinimum = 18;  // header and trailer

/// Output that grows by doubling up to the limits.
class OutputBuffer {
 public:
  OutputBuffer(const DecodeLimits& limits, size_t expected) : limits_(limits) {
    capacity_ = std::max<size_t>(64, std::min<uint64_t>(expected, limits.decompressed_bytes));
    data_ = std::make_unique_for_overwrite<char[]>(capacity_);
  }

  char* free_begin() { return data_.get() + size_; }
  size_t free_size() const { return capacity_ - size_; }
  void advance(size_t n) { size_ += n; }

  /// Checks the ratio of what was written to the `consumed` bytes of input.
  Status check_ratio(size_t consumed) const {
    if (size_ <= std::max<uint64_t>(kRatioFreeBytes, consumed * limits_.inflate_ratio)) return {};
    return fail(limit_exceeded("inflate_ratio", limits_.inflate_ratio, "times its size when inflated"));
  }

  /// Checks the limits and makes room for more output.
  Status make_room(size_t consumed) {
    WF_TRY(check_ratio(consumed));
    if (free_size() > 0) return {};
    if (size_ >= limits_.decompressed_bytes) {
      return fail(limit_exceeded("decompressed_bytes", limits_.decompressed_bytes, "bytes when inflated"));
    }
    capacity_ = std::min<uint64_t>(std::max(capacity_ * 2, kFirstChunk), limits_.decompressed_bytes);
    auto bigger = std::make_unique_for_overwrite<char[]>(capacity_);
    std::memcpy(bigger.get(), data_.get(), size_);
    data_ = std::move(bigger);
    return {};
  }

  InflatedBytes release() {
    InflatedBytes result;
    result.bytes = {data_.get(), size_};
    result.owned = std::move(data_);
    return result;
  }

 private:
  const DecodeLimits& limits_;
  std::unique_ptr<char[]> data_;
  size_t size_ = 0;
  size_t capacity_ = 0;
};

bool is_gzip(std::string_view b) {
  return b.starts_with("\x1f\x8b");
}
bool is_zstd(std::string_view b) {
  return b.starts_with("\x28\xb5\x2f\xfd");
}

struct ZlibStream {
  z_stream z{};
  bool ready = false;
  ZlibStream() { ready = inflateInit2(&z, 15 + 16) == Z_OK; }
  ~ZlibStream() {
    if (ready) inflateEnd(&z);
  }
  ZlibStream(const ZlibStream&) = delete;
  ZlibStream& operator=(const ZlibStream&) = delete;
};

/// Any gzip, member after member, with output checked as it grows.
Result<InflatedBytes> inflate_stream(std::string_view bytes, const DecodeLimits& limits) {
  ZlibStream stream;
  if (!stream.ready) return fail(ErrorCode::kInternal, "zlib: out of memory");
  OutputBuffer out(limits, std::min<size_t>(kFirstChunk, bytes.size() * 4));
  z_stream& z = stream.z;
  size_t at = 0;
  for (;;) {
    WF_TRY(out.make_room(at));
    z.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data() + at));
    z.avail_in = static_cast<uInt>(std::min<size_t>(bytes.size() - at, 1 << 30));
    z.next_out = reinterpret_cast<Bytef*>(out.free_begin());
    size_t room = std::min<size_t>(out.free_size(), 1 << 30);
    z.avail_out = static_cast<uInt>(room);
    int code = inflate(&z, Z_NO_FLUSH);
    out.advance(room - z.avail_out);
    at = static_cast<size_t>(reinterpret_cast<const char*>(z.next_in) - bytes.data());
    if (code == Z_STREAM_END) {
      if (at == bytes.size()) break;
      if (inflateReset(&z) != Z_OK) return fail(ErrorCode::kInternal, "zlib: reset failed");
      continue;
    }
    if (code == Z_BUF_ERROR || (code == Z_OK && at == bytes.size() && z.avail_out != 0)) {
      if (z.avail_out == 0) continue;
      return fail(ErrorCode::kCorrupt, "truncated gzip data");
    }
    if (code != Z_OK) {
      return fail(ErrorCode::kCorrupt, std::string("broken gzip data: ") + (z.msg ? z.msg : "unknown reason"));
    }
  }
  WF_TRY(out.check_ratio(at));
  return out.release();
}

/// The common case, one member whose trailer tells its size: inflated at once.
/// Empty when the bytes are something else, for inflate_stream to judge.
Result<InflatedBytes> inflate_whole(std::string_view bytes, const DecodeLimits& limits) {
  size_t stated = stated_size(bytes);
  uint64_t ratio_limit = std::max<uint64_t>(kRatioFreeBytes, bytes.size() * limits.inflate_ratio);
  if (stated > limits.decompressed_bytes || stated > ratio_limit) return InflatedBytes{};
  InflatedBytes result;
  result.owned = std::make_unique_for_overwrite<char[]>(std::max<size_t>(stated, 1));
  use_large_pages(result.owned.get(), stated);
  std::unique_ptr<libdeflate_decompressor, void (*)(libdeflate_decompressor*)> d(libdeflate_alloc_decompressor(),
                                                                                 libdeflate_free_decompressor);
  if (!d) return InflatedBytes{};
  size_t used = 0;
  size_t made = 0;
  auto code =
      libdeflate_gzip_decompress_ex(d.get(), bytes.data(), bytes.size(), result.owned.get(), stated, &used, &made);
  if (code != LIBDEFLATE_SUCCESS || used != bytes.size()) return InflatedBytes{};
  result.bytes = {result.owned.get(), made};
  return result;
}

Result<InflatedBytes> inflate_zstd(std::string_view bytes, const DecodeLimits& limits) {
  std::unique_ptr<ZSTD_DCtx, size_t (*)(ZSTD_DCtx*)> context(ZSTD_createDCtx(), ZSTD_freeDCtx);
  if (!context) return fail(ErrorCode::kInternal, "zstd: out of memory");
  ZSTD_DCtx_setParameter(context.get(), ZSTD_d_windowLogMax, 24);
  unsigned long long stated = ZSTD_getFrameContentSize(bytes.data(), bytes.size());
  bool known = stated != ZSTD_CONTENTSIZE_UNKNOWN && stated != ZSTD_CONTENTSIZE_ERROR;
  if (known && stated > limits.decompressed_bytes) {
    return fail(limit_exceeded("decompressed_bytes", limits.decompressed_bytes, "bytes when inflated"));
  }
  bool plausible = known && stated <= std::max<uint64_t>(kRatioFreeBytes, bytes.size() * limits.inflate_ratio);
  OutputBuffer out(limits, plausible ? stated + 1 : kFirstChunk);
  ZSTD_inBuffer in{bytes.data(), bytes.size(), 0};
  size_t left = 1;
  while (in.pos < in.size || left != 0) {
    WF_TRY(out.make_room(in.pos));
    ZSTD_outBuffer to{out.free_begin(), out.free_size(), 0};
    size_t before = in.pos;
    left = ZSTD_decompressStream(context.get(), &to, &in);
    if (ZSTD_isError(left))
      return fail(ErrorCode::kCorrupt, std::string("broken zstd data: ") + ZSTD_getErrorName(left));
    out.advance(to.pos);
    if (in.pos == before && to.pos == 0 && left != 0) return fail(ErrorCode::kCorrupt, "truncated zstd data");
  }
  WF_TRY(out.check_ratio(in.pos));
  return out.release();
}

}  // namespace

size_t stated_size(std::string_view bytes) {
  if (!is_gzip(bytes) || bytes.size() < kGzipMinimum) return 0;
  uint32_t stated = 0;
  std::memcpy(&stated, bytes.data() + bytes.size() - 4, 4);
  return stated;
}

Result<InflatedBytes> inflate_profile(std::string_view bytes, const DecodeLimits& limits) {
  if (!is_gzip(bytes) && !is_zstd(bytes)) {
    if (bytes.size() > limits.decompressed_bytes) {
      return fail(limit_exceeded("decompressed_bytes", limits.decompressed_bytes, "bytes"));
    }
    return InflatedBytes{bytes, nullptr};
  }
  if (bytes.size() > limits.compressed_bytes) {
    return fail(limit_exceeded("compressed_bytes", limits.compressed_bytes, "compressed bytes"));
  }
  if (is_zstd(bytes)) return inflate_zstd(bytes, limits);
  if (bytes.size() >= kGzipMinimum) {
    WF_ASSIGN(InflatedBytes whole, inflate_whole(bytes, limits));
    if (whole.owned) return whole;
  }
  return inflate_stream(bytes, limits);
}

}  // namespace watchfire::converters
