#pragma once

#include <string_view>

#include "converters/legacy/legacy_draft.h"
#include "converters/legacy/text_lines.h"

namespace watchfire::converters {

/// One parser for each old format. kUnsupported: the bytes are not of this format, ask the next; other errors are
/// final.
Result<profile::Profile> parse_cpu(std::string_view bytes, const DecodeLimits& limits);
Result<profile::Profile> parse_heap(std::string_view bytes, const DecodeLimits& limits);
/// jemalloc's "heap_v2/RATE" text: a sample a stack and thread, which is the label "thread".
Result<profile::Profile> parse_jemalloc(std::string_view bytes, const DecodeLimits& limits);
Result<profile::Profile> parse_go_count(std::string_view bytes, const DecodeLimits& limits);
Result<profile::Profile> parse_threadz(std::string_view bytes, const DecodeLimits& limits);
Result<profile::Profile> parse_contention(std::string_view bytes, const DecodeLimits& limits);
Result<profile::Profile> parse_java(std::string_view bytes, const DecodeLimits& limits);

/// The kUnsupported error.
std::unexpected<Error> unrecognized();
/// "malformed sample: LINE".
std::unexpected<Error> malformed_sample(std::string_view line);

/// Reads on to the memory map, if there is one, and applies it.
Status apply_additional_sections(LineReader& lines, LegacyDraft& draft);

/// Undoes the sampling of heap profiles: both numbers divided by how likely an allocation of this size is sampled.
void unsample_heap(int64_t& count, int64_t& size, int64_t rate);

/// Names the draft's locations from lines "0xADDRESS function (file:line)", as Java agents write them.
Status name_java_locations(std::string_view text, LegacyDraft& draft);

}  // namespace watchfire::converters
