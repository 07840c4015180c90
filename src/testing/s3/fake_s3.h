#ifndef SMELT_TESTING_S3_FAKE_S3_H_
#define SMELT_TESTING_S3_FAKE_S3_H_

#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "src/testing/http_server.h"

namespace smelt {

struct FakeS3Options {
  std::string bucket = "bucket";
  std::string region = "us-east-1";
  std::string access_key_id = "AKIDFAKE";
  std::string secret_access_key = "canary-secret-of-the-fake-bucket";
  std::string session_token;        // must come with each request, unless empty
  bool anonymous = false;           // takes unsigned requests, and no others
  bool virtual_host_style = false;  // the bucket is in the Host header instead of the path
  std::size_t page_max = 1000;      // keys in a page of a list
  std::size_t part_bytes_min = 5 << 20;
  std::string encryption;  // of x-amz-server-side-encryption, which each new object must then ask for
};

// A bucket over HTTP on loopback, for tests: stricter than the real ones. It checks each signature (with an own
// implementation, from the bytes of the request), the payload's hash, the time, Content-MD5 where S3 wants it, and
// answers 501 to parameters and headers that we have no reason to send. Thread-safe.
class FakeS3 {
 public:
  // Probabilities, for each request. What is drawn depends on the seed and on the order of requests.
  struct Chaos {
    std::uint64_t seed = 0;
    double slow_down = 0;                              // 503 SlowDown
    double too_many = 0;                               // 429, now and then with Retry-After: 0
    double internal_error = 0;                         // 500
    double reset_before = 0;                           // a reset, and nothing has happened
    double reset_after = 0;                            // it has happened, and then a reset
    double truncate = 0;                               // the answer's body ends early
    double swap = 0;                                   // two bytes of a GET's answer change places
    double slow = 0;                                   // 1 to 5 ms
    static Chaos Of(std::uint64_t seed, double rate);  // all of them at this rate
  };

  explicit FakeS3(FakeS3Options options = {});

  std::string Endpoint() const { return server_.Url(); }
  std::string Address() const { return server_.Address(); }

  void SetChaos(const Chaos& chaos);
  void EndChaos() { SetChaos({}); }

  // Each request is answered so from now on; nothing: as usual.
  void AnswerAll(std::optional<ServedAnswer> answer);

  std::vector<std::string> Keys();
  std::string Body(const std::string& key);               // "" if it is not there
  void Change(const std::string& key, std::string body);  // puts or replaces
  void Remove(const std::string& key);
  void SetModified(const std::string& key, std::int64_t seconds);
  std::size_t UploadsInProgress();

  // "GET", "PUT /key?partNumber", ...: what was asked since the beginning or the last ForgetRequests.
  std::vector<std::string> Requests();
  std::size_t Count(const std::string& method);
  void ForgetRequests();

 private:
  struct Object {
    std::string body;
    std::string etag;
    std::int64_t modified_seconds = 0;
  };
  struct Upload {
    std::string key;
    std::map<int, Object> parts;
  };
  using Query = std::map<std::string, std::string>;

  ServedAnswer Serve(const ServedRequest& request);
  ServedAnswer Handle(const ServedRequest& request);
  ServedAnswer OnBucket(const ServedRequest& request, const Query& query);
  ServedAnswer OnObject(const ServedRequest& request, const std::string& key, const Query& query);
  ServedAnswer List(const Query& query);
  ServedAnswer Get(const ServedRequest& request, const std::string& key);
  ServedAnswer Put(const ServedRequest& request, const std::string& key);
  ServedAnswer DeleteMany(const ServedRequest& request);
  ServedAnswer Begin(const ServedRequest& request, const std::string& key);
  ServedAnswer PutPart(const ServedRequest& request, const Query& query);
  ServedAnswer Complete(const ServedRequest& request, const Query& query);
  bool Draw(double probability);  // mu_ is held
  std::optional<ServedAnswer> FaultBefore();
  void FaultAfter(const ServedRequest& request, ServedAnswer& answer);

  const FakeS3Options options_;
  std::mutex mu_;
  std::map<std::string, Object> objects_;  // this and what follows: guarded by mu_
  std::map<std::string, Upload> uploads_;
  std::vector<std::string> requests_;
  std::optional<ServedAnswer> answer_all_;
  Chaos chaos_;
  std::mt19937_64 random_;
  int uploads_begun_ = 0;
  HttpServer server_;
};

}  // namespace smelt

#endif  // SMELT_TESTING_S3_FAKE_S3_H_
