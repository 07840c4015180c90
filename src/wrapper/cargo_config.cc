#include "src/wrapper/cargo_config.h"

#include <algorithm>
#include <charconv>
#include <vector>

namespace smelt::wrapper {
namespace {

using Key = std::vector<std::string>;

// Deeper nesting of arrays and inline tables than this is an error.
constexpr int kNestingMax = 64;

const Key kBuild = {"build"};
const Key kRustcWrapper = {"build", "rustc-wrapper"};

bool IsBare(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
}

void AppendUtf8(std::string& to, unsigned code) {
  if (code < 0x80) {
    to += static_cast<char>(code);
  } else if (code < 0x800) {
    to += static_cast<char>(0xc0 | code >> 6);
  } else if (code < 0x10000) {
    to += static_cast<char>(0xe0 | code >> 12);
    to += static_cast<char>(0x80 | (code >> 6 & 0x3f));
  } else {
    to += static_cast<char>(0xf0 | code >> 18);
    to += static_cast<char>(0x80 | (code >> 12 & 0x3f));
    to += static_cast<char>(0x80 | (code >> 6 & 0x3f));
  }
  if (code >= 0x80) to += static_cast<char>(0x80 | (code & 0x3f));
}

// One pass over the text. Methods move on past what they are named after, and return false with the error set at the
// first thing that is not TOML.
class Scanner {
 public:
  explicit Scanner(std::string_view text) : text_(text) {}

  ScannedCargoConfig Scan() {
    if (text_.substr(0, 3) == "\xef\xbb\xbf") at_ = 3;
    Key table;
    while (SkipSpace(true), at_ < text_.size()) {
      line_begin_ = at_;
      bool good = Peek() == '[' ? Header(table) : KeyValue(table, 0, !table.empty());
      if (!good || !EndOfLine()) break;
    }
    return std::move(scanned_);
  }

 private:
  char Peek(std::size_t ahead = 0) const { return at_ + ahead < text_.size() ? text_[at_ + ahead] : '\0'; }
  bool StartsWith(std::string_view what) const { return text_.substr(at_, what.size()) == what; }

  int Line() const { return 1 + static_cast<int>(std::count(text_.begin(), text_.begin() + at_, '\n')); }

  bool Fail(std::string_view what) {
    if (scanned_.error.empty()) {
      scanned_.error = what;
      scanned_.error_line = Line();
    }
    return false;
  }

  // Blanks, and with `lines` also comments and line ends.
  void SkipSpace(bool lines) {
    for (; at_ < text_.size(); ++at_) {
      char c = text_[at_];
      if (c == ' ' || c == '\t' || (lines && (c == '\n' || c == '\r'))) continue;
      if (!lines || c != '#') return;
      at_ = std::min(text_.find('\n', at_), text_.size()) - 1;
    }
  }

  bool EndOfLine() {
    SkipSpace(false);
    if (Peek() == '#') at_ = std::min(text_.find('\n', at_), text_.size());
    if (Peek() == '\r') ++at_;
    return at_ == text_.size() || Peek() == '\n' || Fail("expected the end of the line");
  }

  bool Header(Key& table) {
    bool array = StartsWith("[[");
    at_ += array ? 2 : 1;
    table.clear();
    if (!DottedKey(table)) return false;
    if (!StartsWith(array ? "]]" : "]")) return Fail("expected ']'");
    at_ += array ? 2 : 1;
    if (array) table.push_back("");
    if (table != kBuild) return true;
    scanned_.place = ScannedCargoConfig::kBelowHeader;
    std::size_t end = text_.find('\n', at_);
    scanned_.offset = end == std::string_view::npos ? text_.size() : end + 1;
    return true;
  }

  bool DottedKey(Key& key) {
    for (;;) {
      SkipSpace(false);
      std::string part;
      if (Peek() == '"' || Peek() == '\'') {
        if (!String(part)) return false;
      } else {
        while (IsBare(Peek())) part += text_[at_++];
        if (part.empty()) return Fail("expected a key");
      }
      key.push_back(part);
      SkipSpace(false);
      if (Peek() != '.') return true;
      ++at_;
    }
  }

  bool KeyValue(Key path, int depth, bool in_table) {
    std::size_t first = path.size();
    if (!DottedKey(path)) return false;
    if (Peek() != '=') return Fail("expected '='");
    ++at_;
    SkipSpace(false);
    if (depth == 0 && !in_table && path[first] == "build" && path.size() > 1 &&
        scanned_.place == ScannedCargoConfig::kNewTable) {
      scanned_.place = ScannedCargoConfig::kBesideDottedKey;
      scanned_.offset = line_begin_;
    }
    RustcWrapper found;
    found.line = Line();
    found.begin = at_;
    if (!Value(path, depth, found.value)) return false;
    found.end = at_;
    if (path == kRustcWrapper) scanned_.wrapper = found;
    return true;
  }

  // `text` is what a string says, else the value as it is written.
  bool Value(const Key& path, int depth, std::string& text) {
    if (depth > kNestingMax) return Fail("nested too deeply");
    std::size_t begin = at_;
    char c = Peek();
    if (c == '"' || c == '\'') return String(text);
    if (c == '[' && !Array(depth)) return false;
    if (c == '{' && !InlineTable(path, depth)) return false;
    if (c != '[' && c != '{') {
      while (IsBare(Peek()) || Peek() == '+' || Peek() == '.' || Peek() == ':') ++at_;
      if (at_ == begin) return Fail("expected a value");
    }
    text = text_.substr(begin, at_ - begin);
    return true;
  }

  bool Array(int depth) {
    ++at_;
    for (;;) {
      SkipSpace(true);
      if (Peek() == ']') return ++at_, true;
      std::string ignored;
      if (!Value({"", ""}, depth + 1, ignored)) return false;
      SkipSpace(true);
      if (Peek() == ',') {
        ++at_;
      } else if (Peek() != ']') {
        return Fail("expected ',' or ']'");
      }
    }
  }

  bool InlineTable(const Key& path, int depth) {
    ++at_;
    std::size_t inside = at_;
    SkipSpace(false);
    if (path == kBuild) {
      scanned_.place = ScannedCargoConfig::kInInlineTable;
      scanned_.offset = inside;
      scanned_.inline_table_is_empty = Peek() == '}';
    }
    if (Peek() == '}') return ++at_, true;
    for (;;) {
      if (!KeyValue(path, depth + 1, true)) return false;
      SkipSpace(false);
      char c = Peek();
      if (c != ',' && c != '}') return Fail("expected ',' or '}'");
      ++at_;
      if (c == '}') return true;
    }
  }

  bool String(std::string& value) {
    value.clear();
    char quote = text_[at_];
    std::string fence(StartsWith(std::string(3, quote)) ? 3 : 1, quote);
    at_ += fence.size();
    while (at_ < text_.size()) {
      if (StartsWith(fence)) {
        at_ += fence.size();
        // Up to two quotes may stand before the closing three.
        while (fence.size() == 3 && Peek() == quote) value += text_[at_++];
        return true;
      }
      if (fence.size() == 1 && Peek() == '\n') break;
      if (quote == '"' && Peek() == '\\') {
        if (!Escape(value)) return false;
      } else {
        value += text_[at_++];
      }
    }
    return Fail("a string is not closed");
  }

  bool Escape(std::string& value) {
    static constexpr std::string_view kNames = "btnfr\"\\";
    static constexpr std::string_view kValues = "\b\t\n\f\r\"\\";
    char name = Peek(1);
    at_ += 2;
    std::size_t known = name == '\0' ? kNames.npos : kNames.find(name);
    if (known != kNames.npos) {
      value += kValues[known];
    } else if (name == 'u' || name == 'U') {
      std::string_view digits = text_.substr(std::min(at_, text_.size()), name == 'u' ? 4 : 8);
      unsigned code = 0;
      auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), code, 16);
      if (error != std::errc() || end != digits.data() + (name == 'u' ? 4 : 8)) return Fail("not a code point");
      AppendUtf8(value, code);
      at_ += digits.size();
    } else if (name == '\n' || name == '\r' || name == ' ' || name == '\t') {
      while (at_ < text_.size() && std::string_view(" \t\r\n").find(Peek()) != std::string_view::npos) ++at_;
    } else {
      at_ = std::min(at_, text_.size());
      return Fail("unknown escape in a string");
    }
    return true;
  }

  const std::string_view text_;
  std::size_t at_ = 0;
  std::size_t line_begin_ = 0;
  ScannedCargoConfig scanned_;
};

std::string QuotedForToml(std::string_view text) {
  std::string quoted = "\"";
  for (char c : text) {
    if (c == '"' || c == '\\') {
      quoted += {'\\', c};
    } else if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) {
      quoted += {'\\', 'u', '0', '0', "0123456789abcdef"[c >> 4], "0123456789abcdef"[c & 15]};
    } else {
      quoted += c;
    }
  }
  return quoted + "\"";
}

}  // namespace

ScannedCargoConfig ScanCargoConfig(std::string_view text) { return Scanner(text).Scan(); }

std::string WithRustcWrapper(std::string_view text, const ScannedCargoConfig& scanned, std::string_view path) {
  std::string changed(text);
  if (scanned.wrapper) {
    const RustcWrapper& old = *scanned.wrapper;
    return changed.replace(old.begin, old.end - old.begin, QuotedForToml(path));
  }
  std::size_t first_end = text.find('\n');
  bool dos = first_end != text.npos && first_end > 0 && text[first_end - 1] == '\r';
  const std::string line_end = dos ? "\r\n" : "\n";
  const std::string setting = "rustc-wrapper = " + QuotedForToml(path);
  const bool unfinished = !text.empty() && text.back() != '\n';
  switch (scanned.place) {
    case ScannedCargoConfig::kBelowHeader: {
      bool after_unfinished = scanned.offset == text.size() && unfinished;
      return changed.insert(scanned.offset, (after_unfinished ? line_end : "") + setting + line_end);
    }
    case ScannedCargoConfig::kBesideDottedKey:
      return changed.insert(scanned.offset, "build." + setting + line_end);
    case ScannedCargoConfig::kInInlineTable:
      return changed.insert(scanned.offset, " " + setting + (scanned.inline_table_is_empty ? " " : ","));
    case ScannedCargoConfig::kNewTable:
      break;
  }
  if (unfinished) changed += line_end;
  if (!text.empty()) changed += line_end;
  return changed + "[build]" + line_end + setting + line_end;
}

}  // namespace smelt::wrapper
