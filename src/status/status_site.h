#ifndef SMELT_STATUS_STATUS_SITE_H_
#define SMELT_STATUS_STATUS_SITE_H_

#include <atomic>
#include <functional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "src/metrics/activity.h"
#include "src/metrics/metrics.h"
#include "src/status/http_server.h"

namespace smelt {

// What a server tells about itself over HTTP: /metrics (Prometheus), /status (JSON, the same numbers), /healthz, and a
// page for people at /. The first and the third are for everybody, since they hold numbers only; the others name
// machines and crates, and are for those whom `may_see` lets: 401 asks who it is, whoever has not said so or is not
// known; 403 tells somebody who is known which role it takes; 503 is for when that cannot be found out now.
// Thread-safe.
class StatusSite {
 public:
  struct Parts {
    std::string version;
    Activity& activity;                                 // lives longer than this
    std::function<void(std::vector<Sample>&)> collect;  // adds the samples of the store and its like
    std::function<absl::Status(const std::string& authorization)> may_see;  // as Authorizer::Authorize
  };

  explicit StatusSite(Parts parts) : parts_(std::move(parts)) {}

  WebResponse Answer(const WebRequest& request);

  // From now on /healthz answers 503, and the numbers say that the server drains.
  void Drain() { draining_ = true; }

  std::string Json();

 private:
  std::vector<Sample> Samples();

  Parts parts_;
  std::atomic<bool> draining_ = false;
};

// /status as JSON, from the samples of the same moment.
std::string StatusJson(const std::string& version, const std::vector<Sample>& samples, Activity& activity);

// The page: one HTML file, which fetches /status.
extern const char kStatusPage[];

}  // namespace smelt

#endif  // SMELT_STATUS_STATUS_SITE_H_
