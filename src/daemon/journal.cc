#include "src/daemon/journal.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "fmt/format.h"
#include "src/base/unique_fd.h"

namespace smelt {
namespace {

using nlohmann::json;

json ToJson(const JournalEntry& entry) {
  return {{"crate", entry.crate},     {"crate_type", entry.crate_type}, {"unit", entry.unit},
          {"outcome", entry.outcome}, {"reason", entry.reason},         {"detail", entry.detail},
          {"key", entry.key},         {"time_ns", entry.time_ns},       {"micros", entry.micros}};
}

std::string Text(const json& object, bool indent = false) {
  return object.dump(indent ? 2 : -1, ' ', false, json::error_handler_t::replace);
}

JournalEntry FromJson(const json& object) {
  JournalEntry entry;
  entry.crate = object.value("crate", "");
  entry.crate_type = object.value("crate_type", "");
  entry.unit = object.value("unit", "");
  entry.outcome = object.value("outcome", "");
  entry.reason = object.value("reason", "");
  entry.detail = object.value("detail", "");
  entry.key = object.value("key", "");
  entry.time_ns = object.value("time_ns", std::int64_t{0});
  entry.micros = object.value("micros", std::int64_t{0});
  if (object.contains("key_dump")) {
    for (const json& line : object["key_dump"]) {
      if (line.is_string()) entry.key_dump.push_back(line.get<std::string>());
    }
  }
  return entry;
}

json Parse(const std::string& text) {
  json entries = json::parse(text, nullptr, /*allow_exceptions=*/false);
  return entries.is_array() ? entries : json::array();
}

std::string CratePrefix(std::string crate) {
  std::replace(crate.begin(), crate.end(), '-', '_');
  return "journal\n" + crate + "\n";
}

}  // namespace

Journal::Journal(Table& table, Clock& clock, std::string log_path)
    : table_(table), clock_(clock), log_path_(std::move(log_path)) {}

void Journal::Record(JournalEntry entry) {
  entry.time_ns = clock_.NowNanos();
  if (!log_path_.empty()) AppendToLog(entry);
  absl::MutexLock lock(&mu_);
  if (last_.size() >= kLastMax) last_.clear();
  JournalEntry& last = last_[entry.crate] = entry;
  last.key_dump.clear();
  if (entry.unit.empty() || entry.key_dump.empty()) return;
  const std::string key = CratePrefix(entry.crate) + entry.unit;
  json entries = Parse(table_.Get(key).value_or("[]"));
  json object = ToJson(entry);
  object["key_dump"] = entry.key_dump;
  entries.insert(entries.begin(), std::move(object));
  while (entries.size() > kEntriesMax) entries.erase(entries.size() - 1);
  table_.Put(key, Text(entries)).IgnoreError();
}

void Journal::AppendToLog(const JournalEntry& entry) {
  const std::string line = Text(ToJson(entry)) + "\n";
  UniqueFd fd(::open(log_path_.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600));
  if (fd.valid() && ::write(fd.get(), line.data(), line.size()) < 0) return;
}

std::optional<JournalEntry> Journal::LastOf(std::string crate) {
  std::replace(crate.begin(), crate.end(), '-', '_');
  absl::MutexLock lock(&mu_);
  auto found = last_.find(crate);
  return found == last_.end() ? std::nullopt : std::optional(found->second);
}

std::vector<JournalEntry> Journal::Of(const std::string& crate) {
  const std::string prefix = CratePrefix(crate);
  std::vector<JournalEntry> entries;
  table_.ForEach([&](std::string_view key, std::string_view value) {
    if (!key.starts_with(prefix)) return true;
    for (const json& object : Parse(std::string(value))) entries.push_back(FromJson(object));
    return true;
  });
  std::sort(entries.begin(), entries.end(), [](const auto& a, const auto& b) { return a.time_ns > b.time_ns; });
  return entries;
}

}  // namespace smelt
