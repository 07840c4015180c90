#include "src/store/s3/credentials_text.h"

#include <cctype>
#include <pugixml.hpp>

#include "nlohmann/json.hpp"
#include "src/base/ascii.h"
#include "src/store/s3/s3_answers.h"

namespace smelt {
namespace {

std::string SectionName(std::string_view line) {
  line = Trimmed(line.substr(1, line.find(']') - 1));
  if (line.starts_with("profile") && line.size() > 7 && std::isspace(static_cast<unsigned char>(line[7]))) {
    line = Trimmed(line.substr(7));
  }
  if (line.size() >= 2 && line.front() == '"' && line.back() == '"') line = line.substr(1, line.size() - 2);
  return std::string(line);
}

std::string Text(const nlohmann::json& json, const char* name) {
  const auto found = json.find(name);
  return found != json.end() && found->is_string() ? found->get<std::string>() : "";
}

absl::StatusOr<AwsCredentials> Checked(AwsCredentials credentials, std::string_view expiration) {
  if (credentials.access_key_id.empty() || credentials.secret_access_key.empty()) {
    return absl::UnavailableError("the answer has no access key");
  }
  credentials.expires_seconds = expiration.empty() ? 0 : ParseIsoTime(expiration);
  if (credentials.expires_seconds < 0) return absl::UnavailableError("the answer's expiration is no time");
  return credentials;
}

}  // namespace

AwsProfiles ParseAwsProfiles(std::string_view text) {
  AwsProfiles profiles;
  AwsProfile* profile = nullptr;
  std::size_t key_indent = text.npos;  // of the profile's last key: what is further in belongs to that key
  std::string key;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    const std::string_view whole = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    const std::string_view line = Trimmed(whole);
    if (line.empty() || line.front() == '#' || line.front() == ';') continue;
    const auto indent = static_cast<std::size_t>(line.data() - whole.data());
    const std::size_t delimiter = line.find_first_of("=:");
    if (line.front() == '[') {
      profile = line.find(']') == line.npos ? nullptr : &profiles[SectionName(line)];
      key_indent = text.npos;
    } else if (profile != nullptr && delimiter != line.npos) {
      std::string name = LowerCase(Trimmed(line.substr(0, delimiter)));
      if (indent <= key_indent) {
        key_indent = indent;
        key = name;
      } else {
        name = key + "." + name;
      }
      (*profile)[name] = Trimmed(line.substr(delimiter + 1));
    }
  }
  return profiles;
}

absl::StatusOr<AwsCredentials> ParseCredentialsJson(std::string_view text) {
  const nlohmann::json json = nlohmann::json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (!json.is_object()) return absl::UnavailableError("the answer is no JSON object");
  return Checked({Text(json, "AccessKeyId"), Text(json, "SecretAccessKey"), Text(json, "Token")},
                 Text(json, "Expiration"));
}

absl::StatusOr<AwsCredentials> ParseAssumeRole(std::string_view xml) {
  pugi::xml_document document;
  if (!document.load_buffer(xml.data(), xml.size())) return absl::UnavailableError("the answer is no XML");
  const std::string root = document.document_element().name();
  if (!root.starts_with("AssumeRole")) return absl::UnavailableError("the answer assumes no role");
  const std::string result = root.substr(0, root.find("Response")) + "Result";
  const pugi::xml_node node = document.document_element().child(result.c_str()).child("Credentials");
  return Checked(
      {node.child_value("AccessKeyId"), node.child_value("SecretAccessKey"), node.child_value("SessionToken")},
      node.child_value("Expiration"));
}

}  // namespace smelt
