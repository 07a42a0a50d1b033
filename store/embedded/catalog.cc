#include "store/embedded/catalog.h"

#include <algorithm>

#include "base/bytes.h"
#include "base/counters.h"

namespace watchfire::store {
namespace {

constexpr const char* kTables = R"(
CREATE TABLE IF NOT EXISTS series(id INTEGER PRIMARY KEY, key BLOB NOT NULL UNIQUE);
CREATE TABLE IF NOT EXISTS blocks(id INTEGER PRIMARY KEY, bytes INTEGER NOT NULL, end INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS block_ids(last INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS profiles(
  id INTEGER PRIMARY KEY, block INTEGER NOT NULL, item INTEGER NOT NULL,
  start INTEGER NOT NULL, end INTEGER NOT NULL, samples INTEGER NOT NULL);
CREATE INDEX IF NOT EXISTS profiles_block ON profiles(block, item);
CREATE TABLE IF NOT EXISTS contains(
  series INTEGER NOT NULL, end INTEGER NOT NULL, profile INTEGER NOT NULL, value_column INTEGER NOT NULL,
  PRIMARY KEY(series, end, profile, value_column)) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS contains_profile ON contains(profile);
CREATE TABLE IF NOT EXISTS head(profile INTEGER PRIMARY KEY, data BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS files(id INTEGER PRIMARY KEY, file_id TEXT NOT NULL UNIQUE);
CREATE TABLE IF NOT EXISTS symbols(
  file INTEGER NOT NULL, start INTEGER NOT NULL, end INTEGER NOT NULL, frames BLOB NOT NULL,
  PRIMARY KEY(file, start)) WITHOUT ROWID;
)";

std::string series_key(const Labels& labels, const profile::ProfileType& type) {
  ByteWriter w;
  for (const std::string* part :
       {&type.name, &type.sample_type, &type.sample_unit, &type.period_type, &type.period_unit})
    w.write_string(*part);
  for (const auto& [name, value] : labels) {
    w.write_string(name);
    w.write_string(value);
  }
  return std::string(w.text());
}

Status parse_series_key(std::string_view key, Labels& labels, profile::ProfileType& type) {
  ByteReader r(key);
  for (std::string* part : {&type.name, &type.sample_type, &type.sample_unit, &type.period_type, &type.period_unit})
    *part = r.read_string(key.size());
  while (r.ok() && r.remaining() > 0) {
    std::string name(r.read_string(key.size()));
    labels[name] = r.read_string(key.size());
  }
  return r.ok() ? Status() : fail(ErrorCode::kCorrupt, "catalog: a series' key");
}

// SQLite's integers are signed; the top bit is flipped so that they sort as the addresses do.
int64_t to_sql(uint64_t address) {
  return static_cast<int64_t>(address ^ (1ull << 63));
}
uint64_t from_sql(int64_t value) {
  return static_cast<uint64_t>(value) ^ (1ull << 63);
}

std::string encode_frames(const std::vector<SymbolFrame>& frames) {
  ByteWriter w;
  for (const SymbolFrame& f : frames) {
    w.write_string(f.name);
    w.write_string(f.system_name);
    w.write_string(f.file);
    w.write_signed_varint(f.line);
  }
  return std::string(w.text());
}

Result<std::vector<SymbolFrame>> decode_frames(std::string_view bytes) {
  ByteReader r(bytes);
  std::vector<SymbolFrame> frames;
  while (r.ok() && r.remaining() > 0) {
    SymbolFrame f;
    f.name = r.read_string(bytes.size());
    f.system_name = r.read_string(bytes.size());
    f.file = r.read_string(bytes.size());
    f.line = r.read_signed_varint();
    frames.push_back(std::move(f));
  }
  if (!r.ok()) return fail(ErrorCode::kCorrupt, "catalog: a symbol");
  return frames;
}

}  // namespace

template <typename F>
Status Catalog::transaction(F body) {
  WF_TRY(db_.execute("BEGIN IMMEDIATE"));
  if (Status done = body(); !done) {
    (void)db_.execute("ROLLBACK");
    return done;
  }
  Status committed = db_.execute("COMMIT");
  if (!committed) (void)db_.execute("ROLLBACK");
  return committed;
}

Result<std::unique_ptr<Catalog>> Catalog::open(const std::string& path, Database::Options options) {
  WF_ASSIGN(Database db, Database::open(path, options));
  std::unique_ptr<Catalog> catalog(new Catalog(std::move(db)));
  WF_TRY(catalog->create_tables());
  WF_TRY(catalog->load_series());
  return catalog;
}

Status Catalog::create_tables() {
  WF_TRY(db_.execute(kTables));
  WF_TRY(db_.execute("INSERT INTO block_ids SELECT 0 WHERE NOT EXISTS (SELECT 1 FROM block_ids)"));
  return measure_head();
}

Status Catalog::measure_head() {
  WF_ASSIGN(Statement sums, db_.prepare("SELECT count(*), coalesce(sum(length(data)), 0) FROM head"));
  WF_ASSIGN([[maybe_unused]] bool row, sums.step());
  head_count_ = static_cast<uint64_t>(sums.integer(0));
  head_bytes_ = static_cast<uint64_t>(sums.integer(1));
  return {};
}

Status Catalog::load_series() {
  WF_ASSIGN(Statement all, db_.prepare("SELECT id, key FROM series"));
  for (;;) {
    WF_ASSIGN(bool row, all.step());
    if (!row) return {};
    Series s;
    std::string key = all.blob(1);
    WF_TRY(parse_series_key(key, s.labels, s.type));
    series_ids_[key] = all.integer(0);
    series_[all.integer(0)] = std::move(s);
  }
}

Result<int64_t> Catalog::series_id(const Labels& labels, const profile::ProfileType& type, size_t max_series) {
  std::string key = series_key(labels, type);
  if (auto it = series_ids_.find(key); it != series_ids_.end()) return it->second;
  if (series_.size() >= max_series && label_or_empty(labels, "service_name") != "other") {
    count("series_over_limit_total");
    Labels other = {{"service_name", "other"}, {"source", std::string(label_or_empty(labels, "source"))}};
    return series_id(other, type, max_series);
  }
  WF_ASSIGN(Statement insert, db_.prepare("INSERT INTO series(key) VALUES(?)"));
  WF_TRY(insert.bind_blob(key).run());
  int64_t id = db_.last_insert_id();
  series_ids_[key] = id;
  series_[id] = {labels, type};
  return id;
}

Status Catalog::add_to_head(const std::vector<NewProfile>& profiles, size_t max_series) {
  std::lock_guard lock(mutex_);
  auto done = transaction([&]() -> Status {
    WF_ASSIGN(Statement insert_profile,
              db_.prepare("INSERT INTO profiles(block,item,start,end,samples) VALUES(0,0,?,?,?)"));
    WF_ASSIGN(Statement insert_head, db_.prepare("INSERT INTO head(profile,data) VALUES(?,?)"));
    WF_ASSIGN(Statement insert_contains, db_.prepare("INSERT OR REPLACE INTO contains VALUES(?,?,?,?)"));
    for (const NewProfile& p : profiles) {
      WF_TRY(insert_profile.bind(p.start).bind(p.end).bind(static_cast<int64_t>(p.samples)).run());
      int64_t id = db_.last_insert_id();
      WF_TRY(insert_head.bind(id).bind_blob(p.head_data).run());
      for (size_t c = 0; c < p.columns.size(); ++c) {
        WF_ASSIGN(int64_t series, series_id(p.columns[c].first, p.columns[c].second, max_series));
        WF_TRY(insert_contains.bind(series).bind(p.end).bind(id).bind(static_cast<int64_t>(c)).run());
      }
    }
    return {};
  });
  if (done) {
    head_count_ += profiles.size();
    for (const NewProfile& p : profiles) head_bytes_ += p.head_data.size();
    return {};
  }
  // Series made in the transaction that failed aren't in the file: read again what is.
  series_.clear();
  series_ids_.clear();
  WF_TRY(load_series());
  return done;
}

std::vector<profile::SeriesInfo> Catalog::all_series(std::vector<int64_t>& ids) {
  std::lock_guard lock(mutex_);
  std::vector<profile::SeriesInfo> out;
  for (const auto& [id, s] : series_) {
    ids.push_back(id);
    out.push_back({s.labels, s.type, {}, 0});
  }
  return out;
}

Result<std::vector<SeriesProfile>> Catalog::profiles(const std::vector<int64_t>& series, TimeRange range) {
  std::lock_guard lock(mutex_);
  std::vector<SeriesProfile> out;
  WF_ASSIGN(Statement select,
            db_.prepare("SELECT p.id, p.block, p.item, p.start, p.end, c.value_column FROM contains c "
                        "JOIN profiles p ON p.id = c.profile "
                        "WHERE c.series = ? AND c.end > ? AND c.end <= ?"));
  for (int64_t id : series) {
    select.bind(id).bind(range.start).bind(range.end);
    for (;;) {
      WF_ASSIGN(bool row, select.step());
      if (!row) break;
      out.push_back({{select.integer(0), select.integer(1), static_cast<uint32_t>(select.integer(2)), select.integer(3),
                      select.integer(4)},
                     id,
                     static_cast<uint32_t>(select.integer(5))});
    }
    select.reset();
  }
  std::sort(out.begin(), out.end(), [](const SeriesProfile& a, const SeriesProfile& b) {
    return std::tuple(a.profile.block, a.profile.item, a.profile.id, a.series) <
           std::tuple(b.profile.block, b.profile.item, b.profile.id, b.series);
  });
  return out;
}

Result<std::pair<uint64_t, TimeRange>> Catalog::extent(int64_t series, TimeRange range) {
  std::lock_guard lock(mutex_);
  WF_ASSIGN(Statement select, db_.prepare("SELECT count(*), min(p.start), max(p.end) FROM contains c JOIN profiles p "
                                          "ON p.id = c.profile WHERE c.series=? AND c.end > ? AND c.end <= ?"));
  select.bind(series).bind(range.start).bind(range.end);
  WF_ASSIGN([[maybe_unused]] bool row, select.step());
  return std::pair(static_cast<uint64_t>(select.integer(0)), TimeRange{select.integer(1), select.integer(2)});
}

Result<std::string> Catalog::head_data(int64_t profile) {
  std::lock_guard lock(mutex_);
  WF_ASSIGN(Statement select, db_.prepare("SELECT data FROM head WHERE profile=?"));
  WF_ASSIGN(bool row, select.bind(profile).step());
  if (!row) return fail(ErrorCode::kNotFound, "profile " + std::to_string(profile) + " has left the head");
  return select.blob(0);
}

Result<std::vector<std::pair<int64_t, std::string>>> Catalog::oldest_head(size_t most, uint64_t max_bytes) {
  std::lock_guard lock(mutex_);
  std::vector<std::pair<int64_t, std::string>> out;
  uint64_t bytes = 0;
  WF_ASSIGN(Statement select, db_.prepare("SELECT profile, data FROM head ORDER BY profile LIMIT ?"));
  select.bind(static_cast<int64_t>(most));
  for (;;) {
    WF_ASSIGN(bool row, select.step());
    if (!row || bytes >= max_bytes) return out;
    out.emplace_back(select.integer(0), select.blob(1));
    bytes += out.back().second.size();
  }
}

Result<int64_t> Catalog::next_block_id() {
  std::lock_guard lock(mutex_);
  WF_TRY(db_.execute("UPDATE block_ids SET last = last + 1"));
  WF_ASSIGN(Statement select, db_.prepare("SELECT last FROM block_ids"));
  WF_ASSIGN([[maybe_unused]] bool row, select.step());
  return select.integer(0);
}

Status Catalog::commit_block(const BlockRow& block, const std::vector<int64_t>& profiles) {
  std::lock_guard lock(mutex_);
  auto done = transaction([&]() -> Status {
    WF_ASSIGN(Statement insert, db_.prepare("INSERT INTO blocks(id,bytes,end) "
                                            "SELECT ?,?,coalesce(max(end),0) FROM profiles WHERE id IN "
                                            "(SELECT value FROM json_each(?))"));
    std::string ids = "[";
    for (int64_t id : profiles) ids += (ids.size() > 1 ? "," : "") + std::to_string(id);
    WF_TRY(insert.bind(block.id).bind(static_cast<int64_t>(block.bytes)).bind_text(ids + "]").run());
    WF_ASSIGN(Statement move, db_.prepare("UPDATE profiles SET block=?, item=? WHERE id=?"));
    WF_ASSIGN(Statement drop, db_.prepare("DELETE FROM head WHERE profile=?"));
    for (size_t i = 0; i < profiles.size(); ++i) {
      WF_TRY(move.bind(block.id).bind(static_cast<int64_t>(i)).bind(profiles[i]).run());
      WF_TRY(drop.bind(profiles[i]).run());
    }
    return {};
  });
  if (!done) return done;
  return measure_head();
}

Result<std::vector<BlockRow>> Catalog::blocks() {
  std::lock_guard lock(mutex_);
  std::vector<BlockRow> out;
  WF_ASSIGN(Statement select, db_.prepare("SELECT id, bytes, end FROM blocks ORDER BY id"));
  for (;;) {
    WF_ASSIGN(bool row, select.step());
    if (!row) return out;
    out.push_back({select.integer(0), static_cast<uint64_t>(select.integer(1)), select.integer(2)});
  }
}

Status Catalog::remove_block(int64_t block) {
  std::lock_guard lock(mutex_);
  return transaction([&]() -> Status {
    for (const char* sql : {"DELETE FROM contains WHERE profile IN (SELECT id FROM profiles WHERE block=?)",
                            "DELETE FROM profiles WHERE block=?", "DELETE FROM blocks WHERE id=?"}) {
      WF_ASSIGN(Statement statement, db_.prepare(sql));
      WF_TRY(statement.bind(block).run());
    }
    return {};
  });
}

Status Catalog::remove_head(const std::vector<int64_t>& profiles) {
  std::lock_guard lock(mutex_);
  auto done = transaction([&]() -> Status {
    for (const char* sql : {"DELETE FROM contains WHERE profile=?", "DELETE FROM profiles WHERE id=?",
                            "DELETE FROM head WHERE profile=?"}) {
      WF_ASSIGN(Statement statement, db_.prepare(sql));
      for (int64_t id : profiles) WF_TRY(statement.bind(id).run());
    }
    return {};
  });
  if (!done) return done;
  return measure_head();
}

Status Catalog::tidy() {
  std::lock_guard lock(mutex_);
  WF_TRY(db_.execute("DELETE FROM series WHERE NOT EXISTS (SELECT 1 FROM contains c WHERE c.series = series.id)"));
  series_.clear();
  series_ids_.clear();
  WF_TRY(load_series());
  WF_TRY(db_.execute("PRAGMA incremental_vacuum"));
  return db_.execute("PRAGMA wal_checkpoint(TRUNCATE)");
}

Result<std::vector<uint64_t>> Catalog::unknown_addresses(std::string_view file_id,
                                                         const std::vector<uint64_t>& addresses) {
  std::lock_guard lock(mutex_);
  std::vector<uint64_t> out;
  WF_ASSIGN(Statement select, db_.prepare("SELECT end FROM symbols s JOIN files f ON f.id = s.file "
                                          "WHERE f.file_id = ? AND s.start <= ? ORDER BY s.start DESC LIMIT 1"));
  for (uint64_t address : addresses) {
    WF_ASSIGN(bool row, select.bind_text(file_id).bind(to_sql(address)).step());
    if (!row || from_sql(select.integer(0)) <= address) out.push_back(address);
    select.reset();
  }
  return out;
}

Status Catalog::add_symbols(std::string_view file_id, const std::vector<SymbolRange>& ranges) {
  std::lock_guard lock(mutex_);
  return transaction([&]() -> Status {
    WF_ASSIGN(Statement add_file, db_.prepare("INSERT OR IGNORE INTO files(file_id) VALUES(?)"));
    WF_TRY(add_file.bind_text(file_id).run());
    WF_ASSIGN(Statement clear, db_.prepare("DELETE FROM symbols WHERE file=(SELECT id FROM files WHERE file_id=?) "
                                           "AND start < ? AND end > ?"));
    WF_ASSIGN(Statement insert, db_.prepare("INSERT OR REPLACE INTO symbols "
                                            "VALUES((SELECT id FROM files WHERE file_id=?),?,?,?)"));
    for (const SymbolRange& r : ranges) {
      if (r.end <= r.start) continue;
      WF_TRY(clear.bind_text(file_id).bind(to_sql(r.end)).bind(to_sql(r.start)).run());
      WF_TRY(
          insert.bind_text(file_id).bind(to_sql(r.start)).bind(to_sql(r.end)).bind_blob(encode_frames(r.frames)).run());
    }
    return {};
  });
}

Result<SymbolRange> Catalog::symbol(std::string_view file_id, uint64_t address) {
  std::lock_guard lock(mutex_);
  WF_ASSIGN(Statement select,
            db_.prepare("SELECT s.start, s.end, s.frames FROM symbols s JOIN files f ON f.id = s.file "
                        "WHERE f.file_id = ? AND s.start <= ? ORDER BY s.start DESC LIMIT 1"));
  WF_ASSIGN(bool row, select.bind_text(file_id).bind(to_sql(address)).step());
  if (!row || from_sql(select.integer(1)) <= address) return fail(ErrorCode::kNotFound, "no symbol");
  SymbolRange range{from_sql(select.integer(0)), from_sql(select.integer(1)), {}};
  WF_ASSIGN(range.frames, decode_frames(select.blob(2)));
  return range;
}

uint64_t Catalog::profile_count() {
  std::lock_guard lock(mutex_);
  auto select = db_.prepare("SELECT count(*) FROM profiles");
  if (!select || !select->step()) return 0;
  return static_cast<uint64_t>(select->integer(0));
}

}  // namespace watchfire::store
