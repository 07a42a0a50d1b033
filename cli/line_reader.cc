#include "cli/line_reader.h"

#include <histedit.h>
#include <unistd.h>

#include <clocale>
#include <cstdio>

#include "base/untrusted_text.h"

namespace watchfire::cli {
namespace {

constexpr size_t kMaxLine = 1 << 20;
constexpr int kHistoryLines = 500;

class PlainReader final : public LineReader {
 public:
  std::optional<std::string> next() override {
    std::string line;
    int c;
    while ((c = std::getc(stdin)) != EOF && c != '\n')
      if (line.size() < kMaxLine) line += static_cast<char>(c);
    if (c == EOF && line.empty()) return std::nullopt;
    if (line.ends_with('\r')) line.pop_back();
    return line;
  }
};

class TerminalReader final : public LineReader {
 public:
  TerminalReader(std::string prompt, std::function<std::string(std::string_view)> complete)
      : prompt_(std::move(prompt)), complete_(std::move(complete)), history_(history_init()) {
    std::setlocale(LC_CTYPE, "");
    edit_ = el_init("watchfire", stdin, stderr, stderr);
    if (edit_ == nullptr || history_ == nullptr) return;
    HistEvent event;
    history(history_, &event, H_SETSIZE, kHistoryLines);
    el_set(edit_, EL_CLIENTDATA, this);
    el_set(edit_, EL_PROMPT, &TerminalReader::show_prompt);
    el_set(edit_, EL_EDITOR, "emacs");
    el_set(edit_, EL_SIGNAL, 1);
    el_set(edit_, EL_HIST, history, history_);
    el_set(edit_, EL_ADDFN, "complete", "completes the last word", &TerminalReader::on_tab);
    el_set(edit_, EL_BIND, "^I", "complete", nullptr);
    el_set(edit_, EL_BIND, "^R", "em-inc-search-prev", nullptr);
    el_source(edit_, nullptr);
  }
  ~TerminalReader() override {
    if (history_ != nullptr) history_end(history_);
    if (edit_ != nullptr) el_end(edit_);
  }

  std::optional<std::string> next() override {
    int length = 0;
    const char* text = edit_ == nullptr ? nullptr : el_gets(edit_, &length);
    if (text == nullptr || length <= 0) {
      std::fputc('\n', stderr);
      return std::nullopt;
    }
    std::string line(text, static_cast<size_t>(length));
    while (line.ends_with('\n') || line.ends_with('\r')) line.pop_back();
    HistEvent event;
    if (history_ != nullptr && line.find_first_not_of(" \t") != std::string::npos)
      history(history_, &event, H_ENTER, line.c_str());
    return line;
  }

 private:
  static TerminalReader* self(EditLine* edit) {
    void* data = nullptr;
    el_get(edit, EL_CLIENTDATA, &data);
    return static_cast<TerminalReader*>(data);
  }
  static char* show_prompt(EditLine* edit) { return self(edit)->prompt_.data(); }
  static unsigned char on_tab(EditLine* edit, int) {
    const LineInfo* info = el_line(edit);
    if (info->cursor != info->lastchar) return CC_ERROR;
    std::string line(info->buffer, info->lastchar);
    // A name from the profile must not write control characters to the terminal.
    std::string completed = escape_terminal(self(edit)->complete_(line));
    if (completed == line) return CC_ERROR;
    el_deletestr(edit, static_cast<int>(line.size()));
    el_insertstr(edit, completed.c_str());
    return CC_REFRESH;
  }

  std::string prompt_;
  std::function<std::string(std::string_view)> complete_;
  History* history_;
  EditLine* edit_ = nullptr;
};

}  // namespace

std::unique_ptr<LineReader> make_line_reader(std::string prompt,
                                             std::function<std::string(std::string_view)> complete) {
  if (isatty(STDIN_FILENO) == 1) return std::make_unique<TerminalReader>(std::move(prompt), std::move(complete));
  return std::make_unique<PlainReader>();
}

}  // namespace watchfire::cli
