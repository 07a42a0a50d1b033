#include "store/embedded/database.h"

#include <sqlite3.h>

#include <utility>

namespace watchfire::store {
namespace {

Error database_error(sqlite3* db, std::string_view action) {
  int code = db != nullptr ? sqlite3_errcode(db) : SQLITE_NOMEM;
  std::string message = std::string(action) + ": " + (db != nullptr ? sqlite3_errmsg(db) : "out of memory");
  switch (code & 0xff) {
    case SQLITE_FULL:
      return Error(ErrorCode::kResourceExhausted, message).hinted("the disk of the state directory is full");
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
      return Error(ErrorCode::kCorrupt, message).hinted("move the store directory away and restart");
    case SQLITE_READONLY:
    case SQLITE_CANTOPEN:
    case SQLITE_PERM:
      return Error(ErrorCode::kPermissionDenied, message).hinted("the state directory must be writable");
    default:
      return Error(ErrorCode::kUnavailable, message);
  }
}

}  // namespace

Statement::Statement(Statement&& other) noexcept
    : db_(other.db_), statement_(std::exchange(other.statement_, nullptr)), next_(other.next_) {}

Statement::~Statement() {
  sqlite3_finalize(statement_);
}

Statement& Statement::bind(int64_t value) {
  sqlite3_bind_int64(statement_, next_++, value);
  return *this;
}

Statement& Statement::bind_text(std::string_view text) {
  sqlite3_bind_text64(statement_, next_++, text.data(), text.size(), SQLITE_TRANSIENT, SQLITE_UTF8);
  return *this;
}

Statement& Statement::bind_blob(std::string_view bytes) {
  sqlite3_bind_blob64(statement_, next_++, bytes.data(), bytes.size(), SQLITE_TRANSIENT);
  return *this;
}

Result<bool> Statement::step() {
  switch (sqlite3_step(statement_)) {
    case SQLITE_ROW:
      return true;
    case SQLITE_DONE:
      return false;
    default:
      return fail(database_error(db_, "catalog"));
  }
}

Status Statement::run() {
  WF_ASSIGN([[maybe_unused]] bool row, step());
  reset();
  return {};
}

void Statement::reset() {
  sqlite3_reset(statement_);
  next_ = 1;
}

int64_t Statement::integer(int column) const {
  return sqlite3_column_int64(statement_, column);
}

std::string Statement::text(int column) const {
  return blob(column);
}

std::string Statement::blob(int column) const {
  const void* data = sqlite3_column_blob(statement_, column);
  int n = sqlite3_column_bytes(statement_, column);
  return data == nullptr ? std::string() : std::string(static_cast<const char*>(data), static_cast<size_t>(n));
}

Result<Database> Database::open(const std::string& path, Options options) {
  sqlite3* raw = nullptr;
  int rc =
      sqlite3_open_v2(path.c_str(), &raw, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX, nullptr);
  Database db(raw);
  if (rc != SQLITE_OK) return fail(database_error(raw, "opening " + path));
  sqlite3_busy_timeout(raw, 5000);
  sqlite3_limit(raw, SQLITE_LIMIT_LENGTH, 256 << 20);
  // auto_vacuum first: it only takes effect before the first table exists.
  WF_TRY(
      db.execute("PRAGMA auto_vacuum=INCREMENTAL; PRAGMA journal_mode=WAL; PRAGMA journal_size_limit=4194304;"
                 "PRAGMA wal_autocheckpoint=500; PRAGMA cache_size=-8000; PRAGMA temp_store=MEMORY;"));
  WF_TRY(db.execute(options.sync ? "PRAGMA synchronous=FULL" : "PRAGMA synchronous=OFF"));
  return db;
}

Database::Database(Database&& other) noexcept : db_(std::exchange(other.db_, nullptr)) {}

Database& Database::operator=(Database&& other) noexcept {
  if (this != &other) {
    sqlite3_close(db_);
    db_ = std::exchange(other.db_, nullptr);
  }
  return *this;
}

Database::~Database() {
  sqlite3_close(db_);
}

Result<Statement> Database::prepare(std::string_view sql) {
  sqlite3_stmt* statement = nullptr;
  if (sqlite3_prepare_v2(db_, sql.data(), static_cast<int>(sql.size()), &statement, nullptr) != SQLITE_OK)
    return fail(database_error(db_, "catalog"));
  return Statement(db_, statement);
}

Status Database::execute(const char* sql) {
  if (sqlite3_exec(db_, sql, nullptr, nullptr, nullptr) != SQLITE_OK) return fail(database_error(db_, "catalog"));
  return {};
}

int64_t Database::last_insert_id() const {
  return sqlite3_last_insert_rowid(db_);
}

}  // namespace watchfire::store
