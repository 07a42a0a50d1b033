#pragma once

#include <sys/types.h>

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <tuple>

#include "base/clock.h"
#include "base/fd.h"
#include "base/symbols_message.h"
#include "base/window.h"
#include "collectors/ebpf/proc_text.h"

namespace watchfire::collectors::ebpf {

/// A file that a process maps, or one of the things that stand for a file ("[anon]", the kernel). Shared by the
/// processes that map it and by the windows that name it. One thread.
struct MappedFile {
  WindowFileKind kind = WindowFileKind::kElf;
  std::string path;
  bool deleted = false;
  std::string fallback_id;  ///< "inode:DEV:INO:MTIME", or the whole id of what is no file
  Fd fd;                    ///< open while used lately; the parser gets a copy
  DurationNs last_used = 0;

  enum class Facts { kUnasked, kAsked, kKnown };
  Facts state = Facts::kKnown;
  DurationNs asked_at = 0;
  bool wants_pprof = false;  ///< somebody waits to hear whether it holds pprof handlers
  bool knows_pprof = false;
  FileFacts facts;  ///< valid when kKnown; is_elf 0: use fallback_id and file offsets
};
using FileRef = std::shared_ptr<MappedFile>;

/// Opens files of processes safely and knows each by identity (device, inode, modification time, size): at most
/// kMaxFiles, of which kMaxOpen are held open; the ones unused for longest go first, and no file is held open
/// longer than 5 minutes after its last use.
///
/// Never reads a file. Opens only regular files, through the mapping itself (map_files) or, without that right,
/// within the process's own root and only when it is the very inode that is mapped.
class FileCache {
 public:
  static constexpr size_t kMaxFiles = 8192;
  static constexpr size_t kMaxOpen = 512;

  /// The file behind a mapping of the process whose /proc directory is open. Nothing: it cannot be opened.
  FileRef open_mapping(int process_dir, const MapsLine& line, DurationNs now);
  /// The program of a process.
  FileRef open_executable(int process_dir, DurationNs now);
  /// By the id that windows carry; null when it is not known or no longer open.
  FileRef find_open(const std::string& file_id);
  /// Closes what was not used lately and forgets what nobody refers to. Call about once a window.
  void expire(DurationNs now);

  size_t size() const { return files_.size(); }
  static const FileRef& anonymous();
  static const FileRef& vdso();
  static const FileRef& unknown();

 private:
  using Identity = std::tuple<dev_t, ino_t, int64_t, int64_t>;
  FileRef remember(Fd path_fd, std::string path, DurationNs now);

  std::map<Identity, FileRef> files_;
};

/// The id a window gives this file, as far as it is known now.
const std::string& file_id(const MappedFile& file);

/// The file's own address for an offset in it; the offset itself while the segments are unknown.
uint64_t file_address(const MappedFile& file, uint64_t offset);

}  // namespace watchfire::collectors::ebpf
