#pragma once

#include <functional>
#include <string>
#include <vector>

#include "base/kallsyms.h"
#include "base/result.h"
#include "profile/profile.h"

namespace watchfire::converters {

/// Reads a program or library that a profile names. The path is untrusted: the caller decides which it opens, opens
/// regular files only, and bounds their size.
using FileReader = std::function<Result<std::string>(const std::string& path)>;

/// Gives locations without lines the functions that the mapped files tell, as recordings of addresses need it
/// (perf.data, gperftools, jemalloc), under the linker's names; where a file is stripped, those of its debug file below
/// /usr/lib/debug/.build-id. A file whose build id is not the mapping's is not used; one of which the profile
/// knows no build id is taken as it is now, unless `matching_only`. Each file is read once; `notes` gets a line for
/// each that could not be used and for each taken without a build id. Returns how many locations got a name.
size_t symbolize_from_files(profile::Profile& p, const FileReader& read, std::vector<std::string>& notes,
                            bool matching_only = false);

/// The kernel of this machine.
struct RunningKernel {
  Kallsyms symbols;
  std::string build_id;
};
using KernelReader = std::function<Result<const RunningKernel*>()>;

/// Gives locations of kernel code without lines the names of the running kernel's symbols, if its build is that of the
/// recording; addresses are moved by how far the kernel lies elsewhere since. Modules are named only while it does not.
/// `read` is called when there is something to name. Returns how many locations got a name.
size_t symbolize_kernel(profile::Profile& p, const KernelReader& read, std::vector<std::string>& notes);

}  // namespace watchfire::converters
