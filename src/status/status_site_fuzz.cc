// Whatever callers say of themselves: /status is JSON that shows all of them, and a label of /metrics stays within its
// line and can be read back.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

#include "src/status/status_site.h"
#include "src/testing/fake_clock.h"

namespace smelt {
namespace {

void Check(bool holds) {
  if (!holds) std::abort();
}

// As Prometheus reads the value of a label, up to the quote that ends it.
std::string Unescaped(std::string_view text) {
  std::string value;
  for (std::size_t i = 0; i < text.size() && text[i] != '"'; ++i) {
    const bool escaped = text[i] == '\\';
    if (escaped) ++i;
    Check(i < text.size());
    value.push_back(escaped && text[i] == 'n' ? '\n' : text[i]);
  }
  return value;
}

void CheckMetrics(const std::string& said) {
  constexpr std::string_view kBegin = "\nsmelt_build_info{version=\"", kEnd = "\"} 1\n# HELP ";
  const std::string text = PrometheusText({{"smelt_build_info", {{"version", said}}, 1}});
  const std::size_t begin = text.find(kBegin);
  Check(begin != text.npos);
  const std::string_view value = std::string_view(text).substr(begin + kBegin.size());
  Check(Unescaped(value) == said);
  const std::size_t end = value.find('\n');
  Check(end >= 4 && value.substr(end - 4).starts_with(kEnd));
}

void CheckStatus(const std::string& said, std::size_t middle) {
  FakeClock clock;
  Activity activity(clock);
  activity.Finished({"GetActionResult", "OK", 0.01, said, said.substr(0, middle), "t" + said.substr(middle)});
  StatusSite site({"1.0", activity, [](std::vector<Sample>&) {}, [](const std::string&) { return absl::OkStatus(); }});
  const auto json = nlohmann::json::parse(site.Json(), nullptr, false);
  Check(!json.is_discarded() && json["targets"].size() == 1 && json["clients"].size() == 1);
  Check(site.Answer({"/metrics", ""}).body.ends_with('\n'));
}

}  // namespace
}  // namespace smelt

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string said(reinterpret_cast<const char*>(data), size);
  smelt::CheckMetrics(said);
  smelt::CheckStatus(said, size == 0 ? 0 : std::min<std::size_t>(data[0], size));
  return 0;
}
