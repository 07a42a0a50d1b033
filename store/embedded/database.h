#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

struct sqlite3;
struct sqlite3_stmt;

namespace watchfire::store {

/// One prepared statement's run: bind in order, then `step` until it gives false. Not thread-safe; used under
/// its Database's lock.
class Statement {
 public:
  Statement(Statement&& other) noexcept;
  Statement(const Statement&) = delete;
  ~Statement();

  Statement& bind(int64_t value);
  Statement& bind_text(std::string_view text);
  Statement& bind_blob(std::string_view bytes);
  /// True while a row is there; false at the end.
  Result<bool> step();
  /// For statements without rows; ready to be bound again afterwards.
  Status run();
  /// Ends this run so that the statement can be bound again.
  void reset();

  int64_t integer(int column) const;
  std::string text(int column) const;
  std::string blob(int column) const;

 private:
  friend class Database;
  Statement(sqlite3* db, sqlite3_stmt* statement) : db_(db), statement_(statement) {}

  sqlite3* db_;
  sqlite3_stmt* statement_;
  int next_ = 1;
};

/// One SQLite connection in WAL mode. `synchronous=FULL`: a commit that returned survives a power cut. Errors carry
/// SQLite's text; a full disk is kResourceExhausted, a damaged file kCorrupt, a read-only one kPermissionDenied.
class Database {
 public:
  struct Options {
    bool sync = true;  ///< false breaks the promise above; only for the test that must notice
  };
  static Result<Database> open(const std::string& path, Options options);
  Database(Database&&) noexcept;
  Database& operator=(Database&&) noexcept;
  ~Database();

  Result<Statement> prepare(std::string_view sql);
  /// Runs statements without parameters.
  Status execute(const char* sql);
  int64_t last_insert_id() const;

 private:
  explicit Database(sqlite3* db) : db_(db) {}
  sqlite3* db_ = nullptr;
};

}  // namespace watchfire::store
