#include "store/embedded/embedded_store.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>

#include <algorithm>
#include <condition_variable>
#include <deque>
#include <future>
#include <mutex>
#include <thread>

#include "base/counters.h"
#include "base/fd.h"
#include "base/log.h"
#include "store/embedded/block_codec.h"
#include "store/embedded/block_files.h"
#include "store/embedded/catalog.h"
#include "store/embedded/merge_query.h"

namespace watchfire::store {
namespace {

constexpr std::string_view kFormat = "watchfire-store 1\n";
constexpr DurationNs kHousekeeping = 10 * kSecond;
// Faster than blocks are made, slow enough that a clock that stepped ahead for a while costs little.
constexpr DurationNs kAgeRemovalEvery = kMinute;
constexpr size_t kBlockCacheBytes = 64u << 20;

Status check_format(const std::string& directory) {
  std::string path = directory + "/FORMAT";
  auto text = read_file(path, 256);
  if (!text && text.error().code == ErrorCode::kNotFound) return write_file_atomically(path, kFormat, 0640);
  if (!text) return fail(text.error());
  if (*text == kFormat) return {};
  return fail(Error(ErrorCode::kUnsupported,
                    path + " says '" + text->substr(0, text->find('\n')) + "'; this program reads 'watchfire-store 1'")
                  .hinted("the store was written by a newer Watchfire: upgrade, or move the directory away"));
}

Result<Fd> lock_directory(const std::string& directory) {
  WF_ASSIGN(Fd fd, open_file(directory + "/LOCK", O_RDWR | O_CREAT, 0640));
  if (::flock(fd.get(), LOCK_EX | LOCK_NB) == 0) return fd;
  return fail(Error(ErrorCode::kUnavailable, "the store " + directory + " is in use by another process")
                  .hinted("stop the other watchfired, or give this one another --state"));
}

uint64_t file_bytes(const std::string& path) {
  struct stat st{};
  return ::stat(path.c_str(), &st) == 0 ? static_cast<uint64_t>(st.st_size) : 0;
}

class Embedded final : public Store {
 public:
  Embedded(const EmbeddedOptions& options, Fd lock, std::unique_ptr<Catalog> catalog)
      : options_(options),
        lock_(std::move(lock)),
        catalog_(std::move(catalog)),
        files_(options.directory + "/blocks"),
        catalog_path_(options.directory + "/catalog.sqlite") {}

  ~Embedded() override {
    {
      std::lock_guard lock(mutex_);
      stopping_ = true;
    }
    wake_.notify_all();
    if (writer_.joinable()) writer_.join();
  }

  Status recover();
  void start() {
    writer_ = std::thread([this] { run_writer(); });
  }

  Status append(std::vector<Entry> entries) override;
  Result<std::vector<uint64_t>> unknown_addresses(std::string_view file_id,
                                                  const std::vector<uint64_t>& addresses) override {
    return catalog_->unknown_addresses(file_id, addresses);
  }
  Status add_symbols(std::string_view file_id, const std::vector<SymbolRange>& ranges) override {
    return catalog_->add_symbols(file_id, ranges);
  }
  StoreInfo info() override;

  Result<std::vector<profile::SeriesInfo>> series(const profile::Selector& selector, TimeRange range) override {
    return query_series(*catalog_, selector, range);
  }
  Result<profile::MergeResult> merge(const profile::Selector& selector, TimeRange range,
                                     const profile::MergeOptions& options) override {
    return query_merge(*catalog_, blocks_, selector, range, options);
  }
  Result<std::vector<profile::TimelinePoint>> timeline(const profile::Selector& selector, TimeRange range,
                                                       DurationNs step) override {
    return query_timeline(*catalog_, blocks_, selector, range, step);
  }

 private:
  struct Batch {
    std::vector<Catalog::NewProfile> profiles;
    std::promise<Status> done;
  };

  // All of these run on the writer thread.
  void run_writer();
  void commit(std::vector<Batch>& batches);
  Status make_block();
  Status enforce_limits();
  uint64_t disk_bytes();

  const EmbeddedOptions options_;
  const Fd lock_;
  const std::unique_ptr<Catalog> catalog_;
  const BlockFiles files_;
  BlockCache blocks_{files_, kBlockCacheBytes};
  const std::string catalog_path_;
  // Writer thread only:
  DurationNs head_since_ = 0;  // when the head got its oldest profile
  DurationNs last_age_removal_ = 0;

  std::mutex mutex_;
  std::condition_variable wake_;
  // Guarded by mutex_:
  std::deque<Batch> queue_;
  bool stopping_ = false;
  // Last:
  std::thread writer_;
};

// Files without a catalog row are from a crash between the two steps of making a block; rows without a file are
// losses that are told.
Status Embedded::recover() {
  WF_TRY(files_.create_directory());
  WF_ASSIGN(std::vector<BlockRow> rows, catalog_->blocks());
  std::vector<int64_t> on_disk = files_.list();
  auto has_row = [&](int64_t id) { return std::ranges::any_of(rows, [&](const BlockRow& r) { return r.id == id; }); };
  for (int64_t id : on_disk)
    if (!has_row(id)) files_.remove(id);
  for (const BlockRow& row : rows) {
    if (std::ranges::find(on_disk, row.id) != on_disk.end()) continue;
    count_lost("blocks", "missing");
    log_error("store: block " + std::to_string(row.id) + " is missing on disk; its profiles are lost");
    WF_TRY(catalog_->remove_block(row.id));
  }
  return {};
}

Status Embedded::append(std::vector<Entry> entries) {
  Batch batch;
  for (Entry& e : entries) {
    const profile::Profile& p = *e.profile;
    if (label_or_empty(e.labels, "service_name").empty()) e.labels["service_name"] = "unknown";
    Catalog::NewProfile fresh;
    fresh.start = e.range.start;
    fresh.end = e.range.end;
    fresh.samples = p.sample_count();
    for (const auto& t : p.sample_types)
      fresh.columns.push_back({e.labels,
                               {e.profile_name, std::string(p.text(t.type)), std::string(p.text(t.unit)),
                                std::string(p.text(p.period_type.type)), std::string(p.text(p.period_type.unit))}});
    BlockWriter block;
    block.add(p);
    fresh.head_data = block.finish();
    batch.profiles.push_back(std::move(fresh));
  }
  std::future<Status> done = batch.done.get_future();
  {
    std::lock_guard lock(mutex_);
    if (stopping_) return fail(ErrorCode::kCancelled, "the store is closing");
    queue_.push_back(std::move(batch));
  }
  wake_.notify_all();
  if (options_.fault_for_test == EmbeddedOptions::Fault::kAcknowledgeBeforeCommit) return {};
  return done.get();
}

void Embedded::run_writer() {
  DurationNs last_housekeeping = boot_ns();
  for (;;) {
    std::vector<Batch> batches;
    {
      std::unique_lock lock(mutex_);
      wake_.wait_for(lock, std::chrono::seconds(1), [&] { return stopping_ || !queue_.empty(); });
      if (stopping_ && queue_.empty()) break;
      while (!queue_.empty()) {
        batches.push_back(std::move(queue_.front()));
        queue_.pop_front();
      }
    }
    if (!batches.empty()) commit(batches);
    uint64_t head = catalog_->head_count();
    if (head == 0)
      head_since_ = 0;
    else if (head_since_ == 0)
      head_since_ = boot_ns();
    bool full = head >= options_.head_profiles || catalog_->head_bytes() >= options_.head_bytes;
    if (full || (head > 0 && boot_ns() - head_since_ > options_.head_age)) {
      if (Status made = make_block(); !made)
        log_limited(LogLevel::kError, "store.block", "store: making a block: " + made.error().text());
    }
    if (!batches.empty() || boot_ns() - last_housekeeping > kHousekeeping) {
      last_housekeeping = boot_ns();
      if (Status kept = enforce_limits(); !kept)
        log_limited(LogLevel::kError, "store.limits", "store: keeping its limits: " + kept.error().text());
    }
  }
}

void Embedded::commit(std::vector<Batch>& batches) {
  std::vector<Catalog::NewProfile> all;
  for (Batch& b : batches) std::move(b.profiles.begin(), b.profiles.end(), std::back_inserter(all));
  Status added = catalog_->add_to_head(all, options_.max_series);
  if (added) {
    count("store_profiles_total", {}, all.size());
  } else {
    count_lost("profiles", "store_" + std::string(error_code_name(added.error().code)), all.size());
    log_limited(LogLevel::kError, "store.commit", "store: " + added.error().text());
  }
  for (Batch& b : batches) b.done.set_value(added);
}

Status Embedded::make_block() {
  WF_ASSIGN(auto head, catalog_->oldest_head(options_.head_profiles, options_.head_bytes));
  BlockWriter writer;
  std::vector<int64_t> moved, damaged;
  for (const auto& [id, data] : head) {
    auto reader = BlockReader::open(data);
    auto p = reader ? reader->profile(0) : Result<profile::Profile>(std::unexpected(reader.error()));
    if (!p) {
      damaged.push_back(id);
      continue;
    }
    writer.add(*p);
    moved.push_back(id);
    if (writer.memory_bytes() > (32u << 20)) break;
  }
  if (!damaged.empty()) {
    count_lost("profiles", "damaged", damaged.size());
    WF_TRY(catalog_->remove_head(damaged));
  }
  if (moved.empty()) return {};
  WF_ASSIGN(int64_t id, catalog_->next_block_id());
  std::string bytes = writer.finish();
  WF_TRY(files_.write(id, bytes));
  Status committed = catalog_->commit_block({id, bytes.size(), 0}, moved);
  if (!committed) {
    files_.remove(id);
    return committed;
  }
  head_since_ = 0;
  count("store_blocks_total");
  return {};
}

uint64_t Embedded::disk_bytes() {
  uint64_t total = file_bytes(catalog_path_) + file_bytes(catalog_path_ + "-wal");
  if (auto rows = catalog_->blocks())
    for (const BlockRow& row : *rows) total += row.bytes;
  return total;
}

Status Embedded::enforce_limits() {
  // A little is left for what is written before the next look.
  const uint64_t limit = options_.max_bytes / 32 * 31;
  WF_ASSIGN(std::vector<BlockRow> rows, catalog_->blocks());
  uint64_t total = file_bytes(catalog_path_) + file_bytes(catalog_path_ + "-wal");
  UnixNs newest = 0;
  for (const BlockRow& row : rows) {
    total += row.bytes;
    newest = std::max(newest, row.end);
  }
  bool removed = false;
  size_t next = 0;
  for (; next < rows.size(); ++next) {
    bool over = total > limit;
    bool too_old = rows[next].end < newest - options_.max_age && boot_ns() - last_age_removal_ >= kAgeRemovalEvery;
    if (!too_old && !over) break;
    if (!over) last_age_removal_ = boot_ns();
    WF_TRY(catalog_->remove_block(rows[next].id));
    files_.remove(rows[next].id);
    count("store_blocks_removed_total", over ? "size" : "age");
    total -= rows[next].bytes;
    removed = true;
  }
  if (removed) WF_TRY(catalog_->tidy());
  if (disk_bytes() <= limit || next < rows.size()) return {};
  WF_TRY(catalog_->tidy());
  if (disk_bytes() <= limit) return {};
  // Only the head is left and it is too large by itself: the older half goes.
  WF_ASSIGN(auto head, catalog_->oldest_head(std::max<size_t>(1, catalog_->head_count() / 2), UINT64_MAX));
  std::vector<int64_t> ids;
  for (const auto& [id, data] : head) ids.push_back(id);
  if (ids.empty()) return {};
  count("store_head_removed_total", "size", ids.size());
  WF_TRY(catalog_->remove_head(ids));
  return catalog_->tidy();
}

StoreInfo Embedded::info() {
  StoreInfo info;
  info.bytes = disk_bytes();
  info.limit_bytes = options_.max_bytes;
  if (auto rows = catalog_->blocks()) info.blocks = rows->size();
  info.head_profiles = catalog_->head_count();
  info.profiles = catalog_->profile_count();
  std::vector<int64_t> ids;
  info.series = catalog_->all_series(ids).size();
  return info;
}

}  // namespace

Result<std::unique_ptr<Store>> EmbeddedStore::open(const EmbeddedOptions& options) {
  auto opened = [&]() -> Result<std::unique_ptr<Store>> {
    WF_TRY(make_directories(options.directory, 0750));
    WF_ASSIGN(Fd lock, lock_directory(options.directory));
    WF_TRY(check_format(options.directory));
    Database::Options database{options.fault_for_test != EmbeddedOptions::Fault::kNoSync};
    WF_ASSIGN(auto catalog, Catalog::open(options.directory + "/catalog.sqlite", database));
    auto store = std::make_unique<Embedded>(options, std::move(lock), std::move(catalog));
    WF_TRY(store->recover());
    store->start();
    return std::unique_ptr<Store>(std::move(store));
  }();
  if (opened) return opened;
  Error e = std::move(opened).error().with("store " + options.directory);
  if (e.hint.empty() && e.code == ErrorCode::kPermissionDenied) e.hint = "the directory must be writable by this user";
  if (e.hint.empty() && e.code == ErrorCode::kResourceExhausted) e.hint = "free space on the disk that holds it";
  return fail(std::move(e));
}

}  // namespace watchfire::store
