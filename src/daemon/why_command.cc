#include <algorithm>
#include <map>
#include <set>

#include "fmt/format.h"
#include "src/daemon/command.h"

namespace smelt {
namespace {

using Lines = std::vector<std::string>;

// "file /a 12ab" -> ("file /a", "12ab"); "variable N=V" -> ("variable N", "V"); others: the whole line and nothing.
std::pair<std::string, std::string> NameAndValue(const std::string& line) {
  std::size_t at = std::string::npos;
  if (line.starts_with("file ") || line.starts_with("listing ") || line.starts_with("toolchain ")) at = line.rfind(' ');
  if (line.starts_with("variable ")) at = line.find('=');
  if (at == std::string::npos) return {line, ""};
  return {line.substr(0, at), line.substr(at + 1)};
}

Lines Missing(const Lines& from, const Lines& in) {
  std::set<std::string> present(in.begin(), in.end());
  Lines missing;
  std::copy_if(from.begin(), from.end(), std::back_inserter(missing),
               [&](const auto& l) { return !present.contains(l); });
  return missing;
}

std::string Shortened(const std::string& line) {
  constexpr std::size_t kShownMax = 240;
  return line.size() <= kShownMax ? line : line.substr(0, kShownMax) + "...";
}

// What changed from `old_lines` to `new_lines`, a line each.
Lines Changes(const Lines& old_lines, const Lines& new_lines) {
  Lines gone = Missing(old_lines, new_lines), come = Missing(new_lines, old_lines), changes;
  std::map<std::string, std::string> before;
  for (const std::string& line : gone) before.emplace(NameAndValue(line));
  for (const std::string& line : come) {
    auto [name, value] = NameAndValue(line);
    auto was = before.find(name);
    if (was == before.end()) {
      changes.push_back("new:     " + Shortened(line));
      continue;
    }
    changes.push_back(name.starts_with("variable ") ? fmt::format("changed: {} was {}, is {}", name, was->second, value)
                                                    : fmt::format("changed: {}", name));
    before.erase(was);
  }
  for (const auto& [name, value] : before) changes.push_back("gone:    " + Shortened(name));
  return changes;
}

std::string Headline(const JournalEntry& entry, const Clock& clock, std::int64_t now_ns) {
  std::string outcome = entry.outcome == "hit"       ? "was taken from the cache"
                        : entry.outcome == "miss"    ? "was compiled and stored"
                        : entry.outcome == "refused" ? "was not looked up"
                                                     : "was compiled and not stored";
  std::string text = fmt::format("{} ({}) {}, {} ago", entry.crate, entry.crate_type, outcome,
                                 HumanSeconds((now_ns - entry.time_ns) / 1'000'000'000));
  if (!entry.reason.empty()) text += ": " + entry.reason;
  if (!entry.detail.empty()) text += " (" + entry.detail + ")";
  return text + "\n";
}

}  // namespace

int RunWhy(const CommandParts& parts, CommandCall& call) {
  if (!call.Accepts({}, 1) || call.Operands().empty()) {
    call.Error("smelt why: name a crate, such as `smelt why serde`\n");
    return 2;
  }
  const std::string crate = call.Operands()[0];
  const std::int64_t now = parts.clock.NowNanos();
  std::optional<JournalEntry> last = parts.journal.LastOf(crate);
  std::vector<JournalEntry> entries = parts.journal.Of(crate);
  if (!last && entries.empty()) {
    call.Error(fmt::format("smelt why: no compile of '{}' is known\n", crate));
    return 1;
  }
  if (last) call.Print(Headline(*last, parts.clock, now));
  if (entries.empty()) return 0;
  const JournalEntry& latest = entries.front();
  if (!last || last->key != latest.key) call.Print(Headline(latest, parts.clock, now));
  call.Print(fmt::format("key {}\n", latest.key));

  const JournalEntry* nearest = nullptr;
  Lines fewest;
  for (std::size_t i = 1; i < entries.size(); ++i) {
    if (entries[i].key == latest.key) continue;
    Lines changes = Changes(entries[i].key_dump, latest.key_dump);
    if (nearest && changes.size() >= fewest.size()) continue;
    nearest = &entries[i];
    fewest = std::move(changes);
  }
  if (!nearest) {
    call.Print("It had not been compiled before here with this or a similar key.\n");
    return 0;
  }
  call.Print(fmt::format("Against the nearest earlier compile, {} ago:\n",
                         HumanSeconds((now - nearest->time_ns) / 1'000'000'000)));
  for (const std::string& change : fewest) call.Print("  " + change + "\n");
  return 0;
}

}  // namespace smelt
