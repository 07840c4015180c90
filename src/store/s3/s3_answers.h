#ifndef SMELT_STORE_S3_S3_ANSWERS_H_
#define SMELT_STORE_S3_S3_ANSWERS_H_

#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "src/store/s3/object_store.h"

namespace smelt {

// The XML that a bucket answers with, and what we send it. Pure. Bad XML is DATA_LOSS: the answer was cut or changed on
// its way, and asking again may help.

struct ListPage {
  std::vector<ObjectStore::Listed> objects;
  std::string next;  // the continuation token; empty on the last page
};

struct S3Error {
  std::string code;     // "NoSuchKey"
  std::string message;  // for people
};

absl::StatusOr<ListPage> ParseListObjects(std::string_view xml);

// The <Error> of an answer; an empty code if `xml` is none.
S3Error ParseS3Error(std::string_view xml);

// The UploadId of an InitiateMultipartUploadResult.
absl::StatusOr<std::string> ParseUploadId(std::string_view xml);

// What could not be deleted: the first <Error> of a DeleteResult, or an empty code.
absl::StatusOr<S3Error> ParseDeleteResult(std::string_view xml);

// OK if `xml` says that the upload is complete; its <Error> otherwise (S3 sends that with status 200).
absl::StatusOr<S3Error> ParseCompleteMultipart(std::string_view xml);

std::string DeleteRequestXml(const std::vector<std::string>& keys);
std::string CompleteMultipartXml(const std::vector<std::string>& etags);

// "2009-10-12T17:50:30.000Z" as seconds since 1970; -1 for what is no such time.
std::int64_t ParseIsoTime(std::string_view text);

}  // namespace smelt

#endif  // SMELT_STORE_S3_S3_ANSWERS_H_
