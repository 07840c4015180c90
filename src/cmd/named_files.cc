#include "src/cmd/named_files.h"

#include <map>
#include <string>

#include "fmt/format.h"
#include "src/auth/jwks.h"
#include "src/auth/key_pair.h"
#include "src/base/file_system.h"

namespace smelt {
namespace {

using Holds = NamedFile::Holds;

const char* Wanted(Holds holds) {
  switch (holds) {
    case Holds::kCertificate:
      return "name a file in PEM with the server's certificate and its chain";
    case Holds::kKey:
      return "name a file in PEM with the certificate's key, without a passphrase";
    case Holds::kAuthorities:
      return "name a file in PEM with certificates of authorities";
    case Holds::kIssuerKeys:
      return "name a file with the issuer's keys, a JSON Web Key Set";
  }
  return "";
}

absl::Status CheckText(Holds holds, const std::string& text) {
  switch (holds) {
    case Holds::kCertificate:
    case Holds::kAuthorities:
      return CheckCertificates(text);
    case Holds::kKey:
      return CheckPrivateKey(text);
    case Holds::kIssuerKeys:
      return Jwks::Parse(text).status();
  }
  return absl::OkStatus();
}

absl::Status Error(const NamedFile& file, const std::string& reason, const char* wanted) {
  return absl::InvalidArgumentError(fmt::format("{}: {}: {}", file.place, reason, wanted));
}

absl::Status NotWhatIsWanted(const NamedFile& file, const absl::Status& reason, const char* wanted) {
  return Error(file, fmt::format("{}: {}", file.path, std::string(reason.message())), wanted);
}

}  // namespace

absl::Status CheckNamedFiles(const std::vector<NamedFile>& files) {
  std::map<Holds, std::string> texts;
  const NamedFile* key = nullptr;
  for (const NamedFile& file : files) {
    absl::StatusOr<std::string> text = FileSystem::System().ReadFile(file.path);
    if (!text.ok()) return Error(file, std::string(text.status().message()), Wanted(file.holds));
    const absl::Status checked = CheckText(file.holds, *text);
    if (!checked.ok()) return NotWhatIsWanted(file, checked, Wanted(file.holds));
    if (file.holds == Holds::kKey) key = &file;
    texts[file.holds] = *std::move(text);
  }
  if (!key) return absl::OkStatus();
  const absl::Status pair = CheckKeyPair(texts[Holds::kCertificate], texts[Holds::kKey]);
  return pair.ok() ? pair : NotWhatIsWanted(*key, pair, "name the two that were made together");
}

}  // namespace smelt
