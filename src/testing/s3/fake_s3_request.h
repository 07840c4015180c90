#ifndef SMELT_TESTING_S3_FAKE_S3_REQUEST_H_
#define SMELT_TESTING_S3_FAKE_S3_REQUEST_H_

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "src/testing/http_server.h"
#include "src/testing/s3/fake_s3.h"

namespace smelt::fake_s3_internal {

// The %XX of `text` as bytes.
std::string Unescaped(std::string_view text);

// The parameters of a target, unescaped.
std::map<std::string, std::string> QueryOf(std::string_view target);

// An <Error> as S3 answers it.
ServedAnswer Error(int status, std::string_view code, std::string_view message = "");

// S3's code of what is wrong with the request's signature, or "".
std::string WrongWithSignature(const ServedRequest& request, const FakeS3Options& options);

std::string XmlEscaped(std::string_view text);
std::string XmlUnescaped(std::string text);

// The text of each <name> in `xml`, in order. Good enough for what our own client writes.
std::vector<std::string> Elements(std::string_view xml, std::string_view name);

// "2009-10-12T17:50:30.000Z".
std::string IsoTime(std::int64_t seconds);

}  // namespace smelt::fake_s3_internal

#endif  // SMELT_TESTING_S3_FAKE_S3_REQUEST_H_
