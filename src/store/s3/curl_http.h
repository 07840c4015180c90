#ifndef SMELT_STORE_S3_CURL_HTTP_H_
#define SMELT_STORE_S3_CURL_HTTP_H_

#include <memory>
#include <string>

#include "src/store/s3/http.h"

namespace smelt {

struct CurlHttpOptions {
  std::string ca_bundle;          // a file of PEM certificates; empty: the system's
  std::string staging_directory;  // for large answers; empty: TMPDIR, else /tmp
  int connect_timeout_ms = 5000;
  int stall_timeout_s = 30;  // a transfer slower than 1 KiB/s for so long has failed
  int quiet_timeout_s = 5;   // one that sends no body has failed sooner
};

// Http on libcurl, HTTP/1.1. Keeps connections open: as many as threads have used at once.
class CurlHttp : public Http {
 public:
  explicit CurlHttp(CurlHttpOptions options = {});
  ~CurlHttp() override;

  absl::StatusOr<HttpAnswer> Send(const HttpRequest& request) override;

 private:
  struct Pool;

  CurlHttpOptions options_;
  std::unique_ptr<Pool> pool_;
};

}  // namespace smelt

#endif  // SMELT_STORE_S3_CURL_HTTP_H_
