#include "src/daemon/journal.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <cstdio>
#include <nlohmann/json.hpp>

#include "fmt/format.h"
#include "glog/logging.h"
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

std::string TextIn(const json& object, const char* name) {
  auto found = object.find(name);
  return found != object.end() && found->is_string() ? found->get<std::string>() : "";
}

std::int64_t NumberIn(const json& object, const char* name) {
  auto found = object.find(name);
  return found != object.end() && found->is_number_integer() ? found->get<std::int64_t>() : 0;
}

JournalEntry FromJson(const json& object) {
  JournalEntry entry;
  entry.crate = TextIn(object, "crate");
  entry.crate_type = TextIn(object, "crate_type");
  entry.unit = TextIn(object, "unit");
  entry.outcome = TextIn(object, "outcome");
  entry.reason = TextIn(object, "reason");
  entry.detail = TextIn(object, "detail");
  entry.key = TextIn(object, "key");
  entry.time_ns = NumberIn(object, "time_ns");
  entry.micros = NumberIn(object, "micros");
  auto dump = object.find("key_dump");
  if (dump == object.end() || !dump->is_array()) return entry;
  for (const json& line : *dump) {
    if (line.is_string()) entry.key_dump.push_back(line.get<std::string>());
  }
  return entry;
}

// What is not of our making is left out.
json Parse(const std::string& text) {
  json entries = json::array(), parsed = json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (!parsed.is_array()) return entries;
  for (json& entry : parsed) {
    if (entry.is_object()) entries.push_back(std::move(entry));
  }
  return entries;
}

// The time of the newest of a unit's entries, which is the first.
std::int64_t TimeOf(std::string_view value) {
  constexpr std::string_view kName = "\"time_ns\":";
  const std::size_t at = value.find(kName);
  std::int64_t time_ns = 0;
  if (at != value.npos) std::from_chars(value.data() + at + kName.size(), value.data() + value.size(), time_ns);
  return time_ns;
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
  if (!fd.valid() || ::write(fd.get(), line.data(), line.size()) < 0) return;
  struct stat st;
  if (::fstat(fd.get(), &st) != 0 || st.st_size <= kLogBytesMax) return;
  if (std::rename(log_path_.c_str(), (log_path_ + ".old").c_str()) != 0) PLOG(WARNING) << log_path_;
}

void Journal::Prune(std::size_t bytes_max, const std::function<bool()>& stop) {
  struct Size {
    std::int64_t time_ns;
    std::string key;
    std::size_t bytes;
  };
  std::vector<Size> units;
  std::size_t total = 0;
  table_.ForEach([&](std::string_view key, std::string_view value) {
    units.push_back({TimeOf(value), std::string(key), key.size() + value.size()});
    total += units.back().bytes;
    return !stop();
  });
  std::sort(units.begin(), units.end(), [](const Size& a, const Size& b) { return a.time_ns < b.time_ns; });
  for (const Size& unit : units) {
    if (total <= bytes_max || stop()) return;
    table_.Delete(unit.key).IgnoreError();
    total -= unit.bytes;
  }
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
