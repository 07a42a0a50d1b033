#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "converters/perfdata/decode.h"
#include "converters/pprof/decode.h"
#include "net/http_client.h"
#include "profile/profile.h"

namespace watchfire::cli {

/// How the profiles that the command line names are read.
struct SourceOptions {
  std::string executable;  ///< replaces the main binary's file name
  std::string build_id;    ///< for a main binary that has none
  int seconds = -1;        ///< how long a program at a URL measures; -1: as it likes
  int timeout = -1;        ///< seconds to wait for a URL; -1: what suits `seconds`
  net::TlsOptions tls;
  std::string socket;  ///< control socket for store:, "" the default one
  converters::DecodeLimits limits = converters::DecodeLimits::offline();
  bool symbolize = true;             ///< name addresses of recordings from files of this machine
  std::string_view kind = "source";  ///< what messages call the profiles
  /// Lines a person wants to see at once, such as what is being fetched. May be called from several threads.
  std::function<void(std::string_view)> say = [](std::string_view) {};
};

/// What reading sources gives.
struct SourcesRead {
  profile::Profile profile;
  bool remote = false;  ///< some of it came over HTTP
};

/// One profile out of bytes: whatever format they have, with the overrides of `options`. What records addresses alone,
/// perf.data and the legacy formats, gets names from files of this machine (local_names.h); what came from a URL, only
/// from files of its build ids. The error names the flag that raises a limit.
Result<profile::Profile> decode_source(std::string_view bytes, const SourceOptions& options,
                                       const std::string& url = "",
                                       converters::Tables tables = converters::Tables::kDistinct);

/// A recording of perf as one profile a process.
Result<std::vector<converters::PerfProcess>> read_processes(const std::string& path, const SourceOptions& options);

/// Expands patterns; a name that exists is taken as it is. Names that match nothing stay, to fail when they are read.
std::vector<std::string> expand_sources(const std::vector<std::string>& names);

/// Whether the file is a program or library, which as first of several sources names the main binary.
bool is_object_file(const std::string& path);

/// Whether reading it may take as long as a program measures.
bool is_remote(const std::string& name);

/// Reads and merges sources: files, "-" for standard input, URLs (profile_url.h), and store:SELECTOR@RANGE of the
/// daemon, RANGE being a time back from now or START..END. As pprof does, a single one stays as it is; several are
/// brought to common sample types and units and merged, 128 at a time, those over HTTP at once. One that can't be read
/// is a line in `notes`; it is an error when none can.
Result<SourcesRead> read_sources(const std::vector<std::string>& names, const SourceOptions& options,
                                 std::vector<std::string>& notes);

/// Brings two profiles to common types and units and merges them.
Result<profile::Profile> combine(std::vector<profile::Profile> profiles);

}  // namespace watchfire::cli
