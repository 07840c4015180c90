#ifndef SMELT_STORE_S3_S3_OPTIONS_H_
#define SMELT_STORE_S3_S3_OPTIONS_H_

#include <cstdint>
#include <string>

namespace smelt {

// Where a bucket is and how it is spoken to. The comments name sccache's variable of the same meaning.
struct S3Options {
  enum class Encryption { kNone, kAes256, kKms };

  std::string bucket;  // SCCACHE_BUCKET; required

  // SCCACHE_REGION. Empty: AWS_REGION, AWS_DEFAULT_REGION, the profile's `region`, else us-east-1.
  std::string region;

  // SCCACHE_ENDPOINT: "host", "host:port" or "https://host:port". Empty: EndpointOf (credentials_chain.h), else
  // Amazon's for the region. A scheme in it wins over use_ssl.
  std::string endpoint;

  bool use_ssl = true;              // SCCACHE_S3_USE_SSL
  bool virtual_host_style = false;  // SCCACHE_S3_ENABLE_VIRTUAL_HOST_STYLE: bucket.host/key instead of host/bucket/key
  std::string ca_bundle;            // a file of PEM certificates instead of the system's; AWS_CA_BUNDLE
  std::string key_prefix;           // SCCACHE_S3_KEY_PREFIX; slashes around it, and second ones within, do not matter

  Encryption encryption = Encryption::kNone;  // SCCACHE_S3_SERVER_SIDE_ENCRYPTION: AES256; ..._AWS_KMS: KMS
  std::string kms_key_id;                     // SCCACHE_S3_SERVER_SIDE_ENCRYPTION_KMS_KEY_ID; empty: the bucket's key

  bool no_credentials = false;  // SCCACHE_S3_NO_CREDENTIALS: requests are not signed
  std::string profile;          // of ~/.aws/config; empty: AWS_PROFILE, else "default"

  std::string staging_directory;  // for large objects while they arrive; empty: TMPDIR, else /tmp

  // Of memory for what lies where in the bucket: 100 bytes for each blob or result (BucketIndex).
  std::int64_t index_bytes_max = std::int64_t{2} << 30;

  // Objects beyond this go up in parts of this size, `parallel_parts` at a time; so memory is the product per Put.
  std::int64_t part_bytes = 16 << 20;  // 5 MiB at least, says S3
  int parallel_parts = 4;

  // A request is tried so often, with pauses that double from first_pause_ms to pause_ms_max, half of it by chance.
  int attempts_max = 6;
  int first_pause_ms = 50;
  int pause_ms_max = 5000;

  int connect_timeout_ms = 5000;
  int stall_timeout_s = 30;  // a transfer slower than 1 KiB/s for so long has failed
  int quiet_timeout_s = 5;   // one that sends no body has failed sooner: somebody waits for what it brings

  // After so many failures in a row, or one attempt that nobody answers, calls fail at once for so long; then one
  // tries.
  int breaker_failures = 12;
  int breaker_open_ms = 5000;
};

}  // namespace smelt

#endif  // SMELT_STORE_S3_S3_OPTIONS_H_
