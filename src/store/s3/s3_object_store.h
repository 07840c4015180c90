#ifndef SMELT_STORE_S3_S3_OBJECT_STORE_H_
#define SMELT_STORE_S3_S3_OBJECT_STORE_H_

#include <memory>
#include <string>
#include <vector>

#include "src/base/clock.h"
#include "src/store/s3/credentials.h"
#include "src/store/s3/http.h"
#include "src/store/s3/object_store.h"
#include "src/store/s3/s3_client.h"
#include "src/store/s3/s3_counters.h"
#include "src/store/s3/s3_options.h"

namespace smelt {

// A bucket of Amazon S3, or of whatever else speaks its protocol. Objects larger than S3Options::part_bytes go up in
// parts, several at once; a failed upload is aborted, so that nothing of it is billed.
class S3ObjectStore : public ObjectStore {
 public:
  // For the program: libcurl, and credentials by `options` and the environment. INVALID_ARGUMENT for options that
  // cannot work. Sends nothing yet. `clock` outlives the store.
  static absl::StatusOr<std::unique_ptr<S3ObjectStore>> Open(S3Options options, Clock& clock);

  // From parts; `credentials` may be null: then nothing is signed.
  S3ObjectStore(S3Options options, std::unique_ptr<Http> http, std::unique_ptr<CredentialsSource> credentials,
                Clock& clock, S3Client::Sleep sleep = {});

  absl::Status Put(const std::string& key, const Bytes& bytes) override;
  absl::StatusOr<Bytes> Get(const std::string& key, std::int64_t offset, std::int64_t length) override;
  absl::Status Read(const std::string& key, const BodySink& sink) override;
  absl::StatusOr<std::vector<Listed>> List(const std::string& prefix, const std::string& after) override;
  absl::Status Delete(const std::vector<std::string>& keys) override;

  const S3Counters& counters() { return client_.counters(); }

 private:
  absl::Status PutWhole(const std::string& key, const Bytes& bytes);
  absl::StatusOr<std::vector<std::string>> PutParts(const std::string& key, const std::string& upload,
                                                    const Bytes& bytes);
  absl::StatusOr<std::string> PutPart(const std::string& key, const std::string& upload, int number, std::string part);
  absl::Status Complete(const std::string& key, const std::string& upload, const std::vector<std::string>& etags);
  absl::Status PutInParts(const std::string& key, const Bytes& bytes);
  absl::Status TryInParts(const std::string& key, const Bytes& bytes);
  absl::Status DeleteUpTo1000(const std::vector<std::string>& keys);

  std::unique_ptr<Http> http_;
  std::unique_ptr<CredentialsSource> credentials_;
  S3Client client_;
};

}  // namespace smelt

#endif  // SMELT_STORE_S3_S3_OBJECT_STORE_H_
