#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "src/store/s3/credentials_text.h"
#include "src/store/s3/s3_answers.h"

// What a bucket or an endpoint for credentials answers, however damaged, ends in a value or an error.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto page = smelt::ParseListObjects(text);
  if (page.ok()) {
    for (const auto& object : page->objects) {
      if (object.key.empty() || object.size < 0) std::abort();
    }
  }
  smelt::ParseS3Error(text);
  const auto id = smelt::ParseUploadId(text);
  if (id.ok() && id->empty()) std::abort();
  smelt::ParseDeleteResult(text).status().IgnoreError();
  smelt::ParseCompleteMultipart(text).status().IgnoreError();
  for (const auto& credentials : {smelt::ParseAssumeRole(text), smelt::ParseCredentialsJson(text)}) {
    if (credentials.ok() && (credentials->secret_access_key.empty() || credentials->expires_seconds < 0)) std::abort();
  }
  smelt::ParseAwsProfiles(text);
  return 0;
}
