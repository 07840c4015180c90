#ifndef SMELT_TESTING_S3_REAL_S3_H_
#define SMELT_TESTING_S3_REAL_S3_H_

#include <sys/types.h>

#include <memory>
#include <string>

#include "src/testing/temp_dir.h"

namespace smelt {

// A server that others wrote, on loopback, with an empty directory behind it; killed with this object.
class RealS3 {
 public:
  enum class Kind { kVersityGw, kMinio };

  // Null if the program is neither on PATH nor where `go install` puts it. It may not listen yet when this returns.
  static std::unique_ptr<RealS3> Start(Kind kind);

  ~RealS3();
  RealS3(const RealS3&) = delete;
  RealS3& operator=(const RealS3&) = delete;

  std::string Endpoint() const;
  static constexpr char kAccessKeyId[] = "smelttest";
  static constexpr char kSecretAccessKey[] = "smelttestsecret";

 private:
  RealS3() = default;

  TempDir dir_;
  int port_ = 0;
  pid_t pid_ = -1;
};

}  // namespace smelt

#endif  // SMELT_TESTING_S3_REAL_S3_H_
