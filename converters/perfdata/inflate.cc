#include <zstd.h>

#include <algorithm>
#include <memory>

#include "converters/perfdata/container.h"

namespace watchfire::converters::perf {

Result<std::string> inflate_perf_stream(std::string_view bytes, const DecodeLimits& limits, bool& is_cut) {
  constexpr uint64_t kRatioFreeBytes = 4 << 20;
  constexpr size_t kChunk = 256 << 10;
  std::unique_ptr<ZSTD_DCtx, size_t (*)(ZSTD_DCtx*)> context(ZSTD_createDCtx(), ZSTD_freeDCtx);
  if (!context) return fail(ErrorCode::kInternal, "zstd: out of memory");
  ZSTD_DCtx_setParameter(context.get(), ZSTD_d_windowLogMax, 27);
  std::string out;
  size_t size = 0;
  ZSTD_inBuffer in{bytes.data(), bytes.size(), 0};
  for (;;) {
    if (out.size() - size < kChunk) out.resize(std::max(size + kChunk, out.size() * 2));
    ZSTD_outBuffer to{out.data() + size, out.size() - size, 0};
    size_t before = in.pos;
    size_t code = ZSTD_decompressStream(context.get(), &to, &in);
    if (ZSTD_isError(code)) {
      if (size == 0) return fail(ErrorCode::kCorrupt, std::string("broken zstd data: ") + ZSTD_getErrorName(code));
      is_cut = true;
      break;
    }
    size += to.pos;
    if (size > limits.decompressed_bytes) {
      return fail(limit_exceeded("decompressed_bytes", limits.decompressed_bytes, "bytes when inflated"));
    }
    if (size > std::max<uint64_t>(kRatioFreeBytes, in.pos * limits.inflate_ratio)) {
      return fail(limit_exceeded("inflate_ratio", limits.inflate_ratio, "times its size when inflated"));
    }
    if (in.pos == before && to.pos == 0) break;
  }
  if (in.pos < in.size) is_cut = true;
  out.resize(size);
  return out;
}

}  // namespace watchfire::converters::perf
