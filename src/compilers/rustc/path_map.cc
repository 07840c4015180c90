#include "src/compilers/rustc/path_map.h"

#include <algorithm>
#include <cstddef>

#include "fmt/format.h"
#include "src/compilers/rustc/paths.h"

namespace smelt::rustc {
namespace {

constexpr char kMarkerStart = '\x01';
constexpr char kMarkerEnd = '\x02';

enum class TextForm { kPlain, kJson, kDepInfo, kDepInfoComment };

// As serde_json writes strings.
std::string JsonEscaped(std::string_view text) {
  std::string escaped;
  for (const char c : text) {
    switch (c) {
      case '"':
        escaped += "\\\"";
        break;
      case '\\':
        escaped += "\\\\";
        break;
      case '\b':
        escaped += "\\b";
        break;
      case '\f':
        escaped += "\\f";
        break;
      case '\n':
        escaped += "\\n";
        break;
      case '\r':
        escaped += "\\r";
        break;
      case '\t':
        escaped += "\\t";
        break;
      default:
        if (static_cast<unsigned char>(c) < 0x20) {
          escaped += fmt::format("\\u{:04x}", static_cast<unsigned>(c));
        } else {
          escaped += c;
        }
    }
  }
  return escaped;
}

std::string DepInfoEscaped(std::string_view text) {
  std::string escaped;
  for (const char c : text) {
    if (c == ' ') escaped += '\\';
    escaped += c;
  }
  return escaped;
}

// As rustc writes the values of variables.
std::string DepInfoCommentEscaped(std::string_view text) {
  std::string escaped;
  for (const char c : text) {
    if (c == '\n') {
      escaped += "\\n";
    } else if (c == '\r') {
      escaped += "\\r";
    } else if (c == '\\') {
      escaped += "\\\\";
    } else {
      escaped += c;
    }
  }
  return escaped;
}

std::string Escaped(std::string_view path, TextForm form) {
  if (form == TextForm::kDepInfoComment) return DepInfoCommentEscaped(path);
  if (form == TextForm::kJson) return JsonEscaped(path);
  if (form == TextForm::kDepInfo) return DepInfoEscaped(path);
  return std::string(path);
}

bool ContinuesComponent(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || (c & 0x80) != 0 ||
         std::string_view("_-.+~@%$#!,").find(c) != std::string_view::npos;
}

// True if `text` ends with an escape sequence that sets a colour, "ESC [ 0 m", where ESC may be written as in JSON.
bool EndsColour(std::string_view text) {
  if (!text.ends_with('m')) return false;
  text.remove_suffix(1);
  while (!text.empty() && (text.back() == ';' || (text.back() >= '0' && text.back() <= '9'))) text.remove_suffix(1);
  return text.ends_with("\x1b[") || text.ends_with("\\u001b[");
}

// A path does not start in the middle of another one, but may follow a scheme: "file:///home".
bool StartsPath(std::string_view text, std::size_t at) {
  if (at == 0 || EndsColour(text.substr(0, at))) return true;
  if (text.substr(0, at).ends_with("://")) return true;
  const char before = text[at - 1];
  return before != '/' && (before == ',' || before == '@' || !ContinuesComponent(before));
}

bool EndsComponent(std::string_view text, std::size_t at) {
  return at >= text.size() || text[at] == '/' || !ContinuesComponent(text[at]);
}

struct Prefix {
  std::string text;
  const Root* root;
};

std::vector<Prefix> PrefixesOf(const std::vector<Root>& roots, TextForm form) {
  std::vector<Prefix> prefixes;
  for (const Root& root : roots) {
    prefixes.push_back({Escaped(root.real, form), &root});
    if (!root.embedded.empty()) prefixes.push_back({Escaped(root.embedded, form), &root});
  }
  std::stable_sort(prefixes.begin(), prefixes.end(),
                   [](const Prefix& a, const Prefix& b) { return a.text.size() > b.text.size(); });
  return prefixes;
}

const Prefix* PrefixAt(const std::vector<Prefix>& prefixes, std::string_view text, std::size_t at) {
  for (const Prefix& prefix : prefixes) {
    if (text.substr(at).starts_with(prefix.text) && EndsComponent(text, at + prefix.text.size())) return &prefix;
  }
  return nullptr;
}

std::string MakeTemplate(const std::vector<Root>& roots, std::string_view text, TextForm form) {
  const std::vector<Prefix> prefixes = PrefixesOf(roots, form);
  std::string result;
  for (std::size_t at = 0; at < text.size();) {
    const Prefix* prefix = text[at] == '/' && StartsPath(text, at) ? PrefixAt(prefixes, text, at) : nullptr;
    if (prefix != nullptr) {
      result += kMarkerStart + prefix->root->name + kMarkerEnd;
      at += prefix->text.size();
      continue;
    }
    result += text[at];
    if (text[at] == kMarkerStart) result += kMarkerEnd;
    ++at;
  }
  return result;
}

std::string Replacement(const std::vector<Root>& roots, std::string_view name, TextForm form) {
  if (name.empty()) return std::string(1, kMarkerStart);
  const auto root = std::find_if(roots.begin(), roots.end(), [&](const Root& each) { return each.name == name; });
  return root == roots.end() ? "/smelt/" + std::string(name) : Escaped(root->real, form);
}

std::string FillTemplate(const std::vector<Root>& roots, std::string_view text, TextForm form) {
  std::string result;
  while (true) {
    const std::size_t start = text.find(kMarkerStart);
    const std::size_t end = start == std::string_view::npos ? start : text.find(kMarkerEnd, start);
    if (end == std::string_view::npos) return result.append(text);
    result.append(text.substr(0, start));
    result += Replacement(roots, text.substr(start + 1, end - start - 1), form);
    text.remove_prefix(end + 1);
  }
}

// In a .d file the rules escape spaces, and the comments (values of variables) backslashes and line ends.
template <typename Translate>
std::string ForEachLine(std::string_view text, const Translate& translate) {
  std::string result;
  while (!text.empty()) {
    const std::string_view line = text.substr(0, std::min(text.find('\n'), text.size() - 1) + 1);
    result += translate(line, line.starts_with('#') ? TextForm::kDepInfoComment : TextForm::kDepInfo);
    text.remove_prefix(line.size());
  }
  return result;
}

// The root whose `place` is the longest prefix of `path`.
const Root* RootOf(const std::vector<Root>& roots, std::string_view path, std::string Root::*place) {
  const Root* best = nullptr;
  for (const Root& root : roots) {
    if (!root.canonical.empty() && IsUnder(path, root.*place) &&
        (best == nullptr || (root.*place).size() > (best->*place).size()))
      best = &root;
  }
  return best;
}

}  // namespace

PathMap::PathMap(std::vector<Root> roots) : roots_(std::move(roots)) {}

std::string PathMap::Canonical(std::string_view path, std::string_view working_directory) const {
  const std::string normal = Normalised(path, working_directory);
  const Root* root = RootOf(roots_, normal, &Root::real);
  return root == nullptr ? normal : root->canonical + normal.substr(root->real.size());
}

std::string PathMap::Real(std::string_view canonical) const {
  const Root* root = RootOf(roots_, canonical, &Root::canonical);
  if (root == nullptr) return std::string(canonical);
  return root->real + std::string(canonical.substr(root->canonical.size()));
}

std::vector<std::string> PathMap::RemapArguments() const {
  std::vector<const Root*> mapped;
  for (const Root& root : roots_) {
    if (!root.embedded.empty()) mapped.push_back(&root);
  }
  std::stable_sort(mapped.begin(), mapped.end(),
                   [](const Root* a, const Root* b) { return a->real.size() < b->real.size(); });
  std::vector<std::string> arguments;
  for (const Root* root : mapped) {
    arguments.push_back(fmt::format("--remap-path-prefix={}={}", root->real, root->embedded));
  }
  return arguments;
}

const Root* PathMap::DisplayRootOf(std::string_view real) const {
  const Root* best = nullptr;
  for (const Root& root : roots_) {
    if (root.embedded.empty() || !IsUnder(real, root.real)) continue;
    if (best == nullptr || root.real.size() > best->real.size()) best = &root;
  }
  return best != nullptr && best->canonical.empty() ? best : nullptr;
}

std::string PathMap::ToTemplate(std::string_view text, bool json) const {
  return MakeTemplate(roots_, text, json ? TextForm::kJson : TextForm::kPlain);
}

std::string PathMap::FromTemplate(std::string_view text, bool json) const {
  return FillTemplate(roots_, text, json ? TextForm::kJson : TextForm::kPlain);
}

std::string PathMap::DepInfoToTemplate(std::string_view text) const {
  return ForEachLine(text, [&](std::string_view line, TextForm form) { return MakeTemplate(roots_, line, form); });
}

std::string PathMap::DepInfoFromTemplate(std::string_view text) const {
  return ForEachLine(text, [&](std::string_view line, TextForm form) { return FillTemplate(roots_, line, form); });
}

std::vector<std::pair<std::string, std::string>> PathMap::DisplayReplacements() const {
  std::vector<std::pair<std::string, std::string>> replacements;
  for (const Root& root : roots_) {
    if (!root.embedded.empty()) replacements.emplace_back(root.embedded, root.real);
  }
  std::stable_sort(replacements.begin(), replacements.end(),
                   [](const auto& a, const auto& b) { return a.first.size() > b.first.size(); });
  return replacements;
}

}  // namespace smelt::rustc
