#include "src/store/s3/s3_answers.h"

#include <time.h>

#include <charconv>
#include <pugixml.hpp>
#include <utility>

#include "fmt/format.h"

namespace smelt {
namespace {

absl::StatusOr<pugi::xml_node> Root(pugi::xml_document& document, std::string_view xml, std::string_view name) {
  const pugi::xml_parse_result parsed = document.load_buffer(xml.data(), xml.size());
  if (!parsed) {
    return absl::DataLossError(
        fmt::format("the bucket's answer is not XML: {} at byte {}", parsed.description(), parsed.offset));
  }
  const pugi::xml_node root = document.document_element();
  if (root.name() == name) return root;
  return absl::DataLossError(fmt::format("the bucket answered <{}> instead of <{}>", root.name(), name));
}

bool ParseNumber(std::string_view text, std::int64_t& number) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  return error == std::errc() && end == text.data() + text.size() && number >= 0;
}

S3Error ErrorOf(const pugi::xml_node& node) { return {node.child_value("Code"), node.child_value("Message")}; }

void AddText(std::string& xml, std::string_view text) {
  for (const char c : text) {
    switch (c) {
      case '&':
        xml += "&amp;";
        break;
      case '<':
        xml += "&lt;";
        break;
      case '>':
        xml += "&gt;";
        break;
      default:
        xml += c;
    }
  }
}

}  // namespace

absl::StatusOr<ListPage> ParseListObjects(std::string_view xml) {
  pugi::xml_document document;
  const auto root = Root(document, xml, "ListBucketResult");
  if (!root.ok()) return root.status();
  ListPage page;
  for (const pugi::xml_node& node : root->children("Contents")) {
    ObjectStore::Listed object;
    object.key = node.child_value("Key");
    object.modified_seconds = ParseIsoTime(node.child_value("LastModified"));
    if (object.key.empty() || !ParseNumber(node.child_value("Size"), object.size)) {
      return absl::DataLossError("the bucket's list has an object without key or size");
    }
    page.objects.push_back(std::move(object));
  }
  const std::string_view truncated = root->child_value("IsTruncated");
  if (truncated != "true" && truncated != "false") return absl::DataLossError("the bucket's list has no IsTruncated");
  if (truncated == "false") return page;
  page.next = root->child_value("NextContinuationToken");
  if (page.next.empty()) return absl::DataLossError("the bucket's list is truncated and has no continuation token");
  return page;
}

S3Error ParseS3Error(std::string_view xml) {
  pugi::xml_document document;
  const auto root = Root(document, xml, "Error");
  if (root.ok()) return ErrorOf(*root);
  // As the STS and the IAM say it.
  const pugi::xml_node nested = document.document_element().child("Error");
  return nested ? ErrorOf(nested) : S3Error();
}

absl::StatusOr<std::string> ParseUploadId(std::string_view xml) {
  pugi::xml_document document;
  const auto root = Root(document, xml, "InitiateMultipartUploadResult");
  if (!root.ok()) return root.status();
  std::string id = root->child_value("UploadId");
  if (id.empty()) return absl::DataLossError("the bucket began a multipart upload without an UploadId");
  return id;
}

absl::StatusOr<S3Error> ParseDeleteResult(std::string_view xml) {
  pugi::xml_document document;
  const auto root = Root(document, xml, "DeleteResult");
  if (!root.ok()) return root.status();
  return ErrorOf(root->child("Error"));
}

absl::StatusOr<S3Error> ParseCompleteMultipart(std::string_view xml) {
  pugi::xml_document document;
  const auto error = Root(document, xml, "Error");
  if (error.ok()) return ErrorOf(*error);
  if (document.document_element().name() == std::string_view("CompleteMultipartUploadResult")) return S3Error();
  return error.status();
}

std::string DeleteRequestXml(const std::vector<std::string>& keys) {
  std::string xml = "<?xml version=\"1.0\" encoding=\"UTF-8\"?><Delete><Quiet>true</Quiet>";
  for (const std::string& key : keys) {
    xml += "<Object><Key>";
    AddText(xml, key);
    xml += "</Key></Object>";
  }
  return xml + "</Delete>";
}

std::string CompleteMultipartXml(const std::vector<std::string>& etags) {
  std::string xml = "<?xml version=\"1.0\" encoding=\"UTF-8\"?><CompleteMultipartUpload>";
  for (std::size_t i = 0; i < etags.size(); ++i) {
    xml += fmt::format("<Part><PartNumber>{}</PartNumber><ETag>", i + 1);
    AddText(xml, etags[i]);
    xml += "</ETag></Part>";
  }
  return xml + "</CompleteMultipartUpload>";
}

std::int64_t ParseIsoTime(std::string_view text) {
  tm parts{};
  const std::string copy(text);
  const char* rest = ::strptime(copy.c_str(), "%Y-%m-%dT%H:%M:%S", &parts);
  return rest == nullptr ? -1 : static_cast<std::int64_t>(::timegm(&parts));
}

}  // namespace smelt
