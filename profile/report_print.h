#pragma once

#include <string>

#include "profile/report.h"
#include "profile/text_sink.h"

namespace watchfire::profile {

/// Each report as text, byte for byte as the newest google/pprof prints it. Texts from the profile are in it as they
/// are: escape them for the medium they go to. They change the report's state, so print one from each Report.

/// Functions by weight, one a line.
std::string print_top(Report& r);
/// Each function between its callers and callees; with a symbol (peek) only those whose name matches, and
/// kNotFound when none does.
Result<std::string> print_tree(Report& r);
/// Source lines of the functions whose name matches, annotated; kNotFound when none does.
Result<std::string> print_list(Report& r);
/// Every sample with its labels and stack: many times the profile's size, so piece by piece.
void print_traces(Report& r, const TextSink& sink);
/// Labels and what each of their values accounts for.
std::string print_tags(Report& r);
/// Everything in the profile, piece by piece.
void print_raw(const Report& r, const TextSink& sink);
std::string print_comments(const Report& r);
/// For graphviz.
std::string print_dot(Report& r);
/// For kcachegrind.
std::string print_callgrind(Report& r);

/// The filtered profile, values divided: what -proto writes.
Profile proto_report(Report& r);
/// One sample a function, cum and flat: what -topproto writes.
Profile topproto_report(Report& r);

}  // namespace watchfire::profile
