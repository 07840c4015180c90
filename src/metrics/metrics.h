#ifndef SMELT_METRICS_METRICS_H_
#define SMELT_METRICS_METRICS_H_

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace smelt {

// One number as it is now. Names are those of Definitions(), base units, labels in the order of their definition.
struct Sample {
  std::string name;
  std::vector<std::pair<std::string, std::string>> labels;
  double value = 0;
};

// What a metric is. docs/metrics.md has the same table.
struct Definition {
  enum class Type { kCounter, kGauge, kHistogram };
  std::string_view name;
  Type type;
  std::string_view help;
};

// All metrics there are.
const std::vector<Definition>& Definitions();

// The samples in Prometheus's text format (version 0.0.4), grouped by metric, in the order of Definitions(). A sample
// of a histogram's parts ("..._bucket", "..._sum", "..._count") belongs to the histogram. Samples without a definition
// are left out: a test holds that there are none.
std::string PrometheusText(const std::vector<Sample>& samples);

// The sum of the samples with this name whose labels include `label`, if one is given; 0 where there is none.
double ValueOf(const std::vector<Sample>& samples, std::string_view name,
               const std::pair<std::string, std::string>& label = {});

}  // namespace smelt

#endif  // SMELT_METRICS_METRICS_H_
