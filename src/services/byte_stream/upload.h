#ifndef SMELT_SERVICES_BYTE_STREAM_UPLOAD_H_
#define SMELT_SERVICES_BYTE_STREAM_UPLOAD_H_

#include <cstdint>
#include <memory>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "src/reapi/resource_name.h"
#include "src/services/bytes_budget.h"
#include "src/services/limits.h"
#include "src/services/partial_uploads.h"
#include "src/services/staged_upload.h"
#include "src/store/bytes.h"

namespace google::bytestream {
class WriteRequest;
}  // namespace google::bytestream

namespace smelt {

// One ByteStream.Write without its stream: which message may follow which, and what has arrived. Errors name the field.
// The order of calls: Begin with the first message; then, unless that message is all there is, Open; Append its data;
// and for each further message CheckNext and Append; at the end Finish or Park. One thread at a time.
class Upload {
 public:
  // All of these live longer.
  Upload(const Limits& limits, PartialUploads& partials, BytesBudget& budget, StagingRoom& room)
      : limits_(limits), partials_(partials), budget_(budget), room_(room) {}

  // The first message: what is to be written. INVALID_ARGUMENT for a bad name, a blob beyond the limit, or a negative
  // offset.
  absl::Status Begin(const google::bytestream::WriteRequest& first);
  bool begun() const { return !key_.empty(); }
  const reapi::ResourceName& name() const { return name_; }

  // Begins anew at offset 0, else goes on with what was parked under this name. ABORTED if that ends elsewhere; it then
  // stays parked.
  absl::Status Open(std::int64_t offset);

  // Any later message. INVALID_ARGUMENT if it has another name, or does not begin where the data ends.
  absl::Status CheckNext(const google::bytestream::WriteRequest& next) const;

  // Errors as StagedUpload::Append has them. Blocks unless in_memory().
  absl::Status Append(std::string data);

  std::int64_t size() const { return staged_ == nullptr ? 0 : staged_->size(); }
  bool in_memory() const { return staged_->in_memory(); }

  // Everything, as it came over the wire.
  Bytes Finish() { return std::move(*staged_).Finish(); }

  // Keeps what has arrived, to be gone on with later.
  void Park();

 private:
  const Limits& limits_;
  PartialUploads& partials_;
  BytesBudget& budget_;
  StagingRoom& room_;
  reapi::ResourceName name_;
  std::string key_;  // the name as the client wrote it; empty before the first message
  std::unique_ptr<StagedUpload> staged_;
};

}  // namespace smelt

#endif  // SMELT_SERVICES_BYTE_STREAM_UPLOAD_H_
