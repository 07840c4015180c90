#include "src/metrics/metrics.h"

#include <algorithm>
#include <cmath>

#include "fmt/format.h"

namespace smelt {
namespace {

using Type = Definition::Type;

std::string_view NameOf(Type type) {
  return type == Type::kCounter ? "counter" : type == Type::kGauge ? "gauge" : "histogram";
}

bool Belongs(const Definition& definition, std::string_view sample) {
  if (sample == definition.name) return definition.type != Type::kHistogram;
  if (definition.type != Type::kHistogram || !sample.starts_with(definition.name)) return false;
  sample.remove_prefix(definition.name.size());
  return sample == "_bucket" || sample == "_sum" || sample == "_count";
}

std::string Escaped(std::string_view text) {
  std::string escaped;
  for (char c : text) {
    if (c == '\\' || c == '"') escaped.push_back('\\');
    if (c == '\n') {
      escaped.append("\\n");
    } else {
      escaped.push_back(c);
    }
  }
  return escaped;
}

std::string LabelsText(const Sample& sample) {
  std::string text;
  for (const auto& [name, value] : sample.labels) {
    text += fmt::format("{}{}=\"{}\"", text.empty() ? "" : ",", name, Escaped(value));
  }
  return text.empty() ? text : "{" + text + "}";
}

// Whole numbers without an exponent: a count of bytes is to be read.
std::string NumberText(double value) {
  if (std::floor(value) == value && std::fabs(value) < 9e15) return fmt::format("{:.0f}", value);
  return fmt::format("{}", value);
}

}  // namespace

const std::vector<Definition>& Definitions() {
  static const std::vector<Definition> definitions = {
      {"smelt_build_info", Type::kGauge, "1; the label says which version this is"},
      {"smelt_uptime_seconds", Type::kGauge, "since the server was started"},
      {"smelt_draining", Type::kGauge, "1 once the server ends and takes nothing more"},
      {"smelt_clients", Type::kGauge, "machines that called within the last five minutes"},
      {"smelt_rpc_active", Type::kGauge, "calls that are under way"},
      {"smelt_rpc_requests_total", Type::kCounter, "calls that have ended, by method and status code"},
      {"smelt_rpc_seconds", Type::kHistogram, "how long calls took, by method"},
      {"smelt_held_bytes", Type::kGauge, "of blobs in memory for calls under way"},
      {"smelt_ac_requests_total", Type::kCounter, "lookups of action results: hit, miss or error"},
      {"smelt_ac_entries", Type::kGauge, "action results kept"},
      {"smelt_cas_bytes", Type::kGauge, "that the store takes on disk"},
      {"smelt_cas_limit_bytes", Type::kGauge, "that it may take"},
      {"smelt_cas_blobs", Type::kGauge, "blobs kept"},
      {"smelt_cas_leased_bytes", Type::kGauge, "that may not be evicted yet"},
      {"smelt_cas_oldest_idle_seconds", Type::kGauge, "for how long the next victim has not been used"},
      {"smelt_cas_evicted_last_idle_seconds", Type::kGauge, "for how long the last victim had not been used"},
      {"smelt_cas_corrupt_total", Type::kCounter, "blobs found corrupt, and dropped"},
      {"smelt_cas_read_only", Type::kGauge,
       "1 while nothing can be stored: the disk is full, or leases fill the store"},
      {"smelt_cas_counted", Type::kGauge,
       "0 for some seconds after a start with millions of blobs: bytes and blobs are not all counted yet"},
      {"smelt_s3_pending_bytes", Type::kGauge, "that are not in the bucket yet"},
      {"smelt_s3_oldest_pending_seconds", Type::kGauge, "for how long the oldest of them has waited"},
      {"smelt_s3_requests_total", Type::kCounter, "requests to the bucket, each try counted"},
      {"smelt_s3_retries_total", Type::kCounter, "of them, second tries and later ones"},
      {"smelt_s3_failures_total", Type::kCounter, "of them, those that were not answered with success"},
      {"smelt_s3_sent_bytes_total", Type::kCounter, "sent to the bucket"},
      {"smelt_s3_received_bytes_total", Type::kCounter, "received from the bucket"},
      {"smelt_s3_breaker_open", Type::kGauge, "1 while the bucket is taken to be down and not asked"},
      {"smelt_s3_failing", Type::kGauge, "1 while nothing can be brought into the bucket"},
      {"smelt_s3_payloads", Type::kGauge, "blobs and results known to be in the bucket"},
      {"smelt_s3_corrupt_total", Type::kCounter, "of what came from the bucket, otherwise than it should, twice"},
      {"smelt_s3_damaged_indexes_total", Type::kCounter, "reads of an index of the bucket that came damaged"},
      {"smelt_s3_index_reading", Type::kGauge,
       "1 while not all of the bucket's index has been read: what is not known yet counts as missing"},
      {"smelt_s3_index_bytes", Type::kGauge, "of memory that the bucket's index takes"},
      {"smelt_s3_index_limit_bytes", Type::kGauge, "that it may take"},
      {"smelt_s3_left_out_total", Type::kCounter,
       "blobs and results of the bucket that count as missing, since its index may take no more memory"},
  };
  return definitions;
}

std::string PrometheusText(const std::vector<Sample>& samples) {
  std::string text;
  for (const Definition& definition : Definitions()) {
    text += fmt::format("# HELP {} {}\n# TYPE {} {}\n", definition.name, definition.help, definition.name,
                        NameOf(definition.type));
    for (const Sample& sample : samples) {
      if (!Belongs(definition, sample.name)) continue;
      text += fmt::format("{}{} {}\n", sample.name, LabelsText(sample), NumberText(sample.value));
    }
  }
  return text;
}

double ValueOf(const std::vector<Sample>& samples, std::string_view name,
               const std::pair<std::string, std::string>& label) {
  double sum = 0;
  for (const Sample& sample : samples) {
    if (sample.name != name) continue;
    if (label.first.empty() || std::count(sample.labels.begin(), sample.labels.end(), label) > 0) sum += sample.value;
  }
  return sum;
}

}  // namespace smelt
