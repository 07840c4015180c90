#include "src/config/server_config.h"

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <optional>
#include <utility>

#include "absl/strings/str_join.h"
#include "fmt/format.h"
#include "src/base/glob.h"
#include "src/base/status_macros.h"
#include "src/config/auth_tables.h"
#include "src/config/s3_texts.h"
#include "src/config/toml_table.h"
#include "src/config/toml_text.h"

namespace smelt {
namespace {

using namespace toml_table;  // NOLINT: the readers' names are made for this file

Reader Addresses(std::vector<std::string>& target) {
  return [&target](const Place& place, const toml::value& value) {
    RETURN_IF_ERROR(Texts(target)(place, value));
    for (const std::string& address : target) {
      if (absl::Status bad = CheckAddress(address); !bad.ok()) return place.Error(value, std::string(bad.message()));
    }
    if (target.empty()) return place.Error(value, "write one address at least: [\"127.0.0.1:8980\"]");
    return absl::OkStatus();
  };
}

Reader MaybeText(std::string& target) {
  return [&target](const Place& place, const toml::value& value) {
    if (!value.is_string()) return place.Error(value, "write a text in quotes");
    target = value.as_string().str;
    return absl::OkStatus();
  };
}

// `read` writes to `target`, which is then looked at unless it is empty.
Reader Checked(Reader read, const std::string& target, absl::Status (*check)(std::string_view)) {
  return [read = std::move(read), &target, check](const Place& place, const toml::value& value) {
    RETURN_IF_ERROR(read(place, value));
    const absl::Status status = target.empty() ? absl::OkStatus() : check(target);
    return status.ok() ? status : place.Error(value, std::string(status.message()));
  };
}

Reader Encryption(S3Options::Encryption& target) {
  return [&target](const Place& place, const toml::value& value) {
    const auto named = EncryptionOf(value.is_string() ? value.as_string().str : "");
    if (!named) return place.Error(value, "write \"AES256\" or \"aws:kms\"");
    target = *named;
    return absl::OkStatus();
  };
}

Reader IndexMemory(std::int64_t& target) {
  return [&target](const Place& place, const toml::value& value) {
    RETURN_IF_ERROR(Size(target)(place, value));
    const absl::Status enough = CheckIndexMemory(target);
    return enough.ok() ? enough : place.Error(value, std::string(enough.message()));
  };
}

Reader S3(std::optional<S3Options>& target, std::vector<NamedFile>& files) {
  return [&target, &files](const Place& place, const toml::value& value) {
    S3Options s3;
    RETURN_IF_ERROR(ReadTable(place, value,
                              {{"bucket", Checked(Text(s3.bucket), s3.bucket, CheckBucketName)},
                               {"region", Text(s3.region)},
                               {"endpoint", Checked(Text(s3.endpoint), s3.endpoint, CheckS3Endpoint)},
                               {"use_ssl", Flag(s3.use_ssl)},
                               {"virtual_host_style", Flag(s3.virtual_host_style)},
                               {"ca_file", FileName(s3.ca_bundle, NamedFile::Holds::kAuthorities, files)},
                               {"key_prefix", Checked(Text(s3.key_prefix), s3.key_prefix, CheckKeyPrefix)},
                               {"server_side_encryption", Encryption(s3.encryption)},
                               {"kms_key_id", Text(s3.kms_key_id)},
                               {"no_credentials", Flag(s3.no_credentials)},
                               {"profile", Text(s3.profile)},
                               {"index_memory", IndexMemory(s3.index_bytes_max)}}));
    if (s3.bucket.empty()) return place.Error(value, "needs the key 'bucket'");
    if (const absl::Status bad = CheckKmsKey(s3.kms_key_id, s3.encryption); !bad.ok()) {
      return place.Under("kms_key_id").Error(value.at("kms_key_id"), std::string(bad.message()));
    }
    target = std::move(s3);
    return absl::OkStatus();
  };
}

using Parents = std::vector<std::pair<std::string, std::string>>;

Reader Instance(Parents& parents) {
  return [&parents](const Place& place, const toml::value& value) {
    std::string name, parent;
    RETURN_IF_ERROR(ReadTable(place, value, {{"name", Text(name)}, {"parent", MaybeText(parent)}}));
    if (name.empty()) return place.Error(value, "needs the key 'name': a pattern of instance names, as \"pr/*\"");
    if (!value.contains("parent")) return place.Error(value, "needs the key 'parent': the name of an instance");
    if (parent.find('*') != parent.npos) return place.Error(value, "'parent' is one name, without '*'");
    if (parent == name) {
      return place.Under("parent").Error(value.at("parent"), fmt::format("'{}' cannot be its own parent", name));
    }
    parents.emplace_back(name, parent);
    return absl::OkStatus();
  };
}

// The rule that gives `name` a parent; the parent's own name may fit its pattern.
std::optional<std::size_t> RuleFor(const Parents& parents, const std::string& name) {
  const auto rule = std::find_if(parents.begin(), parents.end(),
                                 [&name](const auto& candidate) { return Glob(candidate.first).Matches(name); });
  if (rule == parents.end() || rule->second == name) return std::nullopt;
  return static_cast<std::size_t>(rule - parents.begin());
}

// From the parent of this rule up to the same one again; empty if it is not reached.
std::vector<std::string> LoopFrom(std::size_t start, const Parents& parents) {
  std::vector<std::string> names = {parents[start].second};
  while (names.size() <= parents.size()) {
    const std::optional<std::size_t> rule = RuleFor(parents, names.back());
    if (!rule) break;
    names.push_back(parents[*rule].second);
    if (rule == start) return names;
  }
  return {};
}

absl::Status CheckParents(const std::string& file, const toml::value& root, const Parents& parents) {
  for (std::size_t i = parents.size(); i-- > 0;) {
    const std::vector<std::string> loop = LoopFrom(i, parents);
    if (loop.empty()) continue;
    return Place{file, "instance.parent"}.Error(
        root.at("instance").at(i).at("parent"),
        fmt::format("'{}' is its own ancestor: end the loop at one of these", absl::StrJoin(loop, "' -> '")));
  }
  return absl::OkStatus();
}

Reader Server(ServerConfig& c) {
  return Table({{"listen", Addresses(c.server.listen)},
                {"insecure", Flag(c.server.insecure)},
                {"reflection", Flag(c.server.reflection)},
                {"drain", Duration(c.server.drain_seconds)}});
}

Reader Storage(ServerConfig& c) {
  return [&c](const Place& place, const toml::value& value) {
    RETURN_IF_ERROR(ReadTable(place, value,
                              {{"directory", Text(c.storage.directory)},
                               {"size", Size(c.storage.size)},
                               {"free", Size(c.storage.free)},
                               {"lease", Duration(c.storage.lease_seconds)},
                               {"high", Share(c.storage.high)},
                               {"low", Share(c.storage.low)}}));
    if (c.storage.low < c.storage.high) return absl::OkStatus();
    return place.Error(value, fmt::format("'low' ({}) must be less than 'high' ({})", c.storage.low, c.storage.high));
  };
}

Reader Tls(ServerConfig& c) {
  return [&c](const Place& place, const toml::value& value) {
    RETURN_IF_ERROR(ReadTable(place, value,
                              {{"certificate", FileName(c.tls.certificate, NamedFile::Holds::kCertificate, c.files)},
                               {"key", FileName(c.tls.key, NamedFile::Holds::kKey, c.files)},
                               {"client_ca", FileName(c.tls.client_ca, NamedFile::Holds::kAuthorities, c.files)}}));
    if (!c.tls.certificate.empty() && !c.tls.key.empty()) return absl::OkStatus();
    return place.Error(value, "needs the keys 'certificate' and 'key': files in PEM");
  };
}

Keys Tables(ServerConfig& c) {
  return {{"server", Server(c)},
          {"storage", Storage(c)},
          {"tls", Tls(c)},
          {"status", Table({{"listen", Checked(MaybeText(c.status.listen), c.status.listen, CheckAddress)},
                            {"open", Flag(c.status.open)}})},
          {"limits", Table({{"memory", Size(c.limits.memory)},
                            {"blob", Size(c.limits.blob)},
                            {"streams", Number(c.limits.streams, 1, 100'000)},
                            {"idle", Duration(c.limits.idle_seconds)}})},
          {"s3", S3(c.s3, c.files)},
          {"instance", toml_table::Tables(Instance(c.parents))},
          {"auth", Auth(c.auth, c.files)}};
}

}  // namespace

absl::StatusOr<ServerConfig> ParseServerConfig(const std::string& text, const std::string& file) {
  ServerConfig config;
  config.file = file;
  ASSIGN_OR_RETURN(const toml::value root, Parse(text, file));
  RETURN_IF_ERROR(ReadTable({file, ""}, root, Tables(config)));
  std::sort(config.files.begin(), config.files.end(), [](const auto& a, const auto& b) { return a.line < b.line; });
  RETURN_IF_ERROR(CheckParents(file, root, config.parents));
  if (!config.auth.certificates.empty() && config.tls.client_ca.empty()) {
    return Place{file, "auth.certificate"}.Error(root.at("auth").at("certificate"),
                                                 "needs tls.client_ca, which client certificates are verified with");
  }
  return config;
}

absl::StatusOr<ServerConfig> LoadServerConfig(const std::string& file) {
  const std::optional<std::string> text = ReadText(file);
  if (!text) return absl::InvalidArgumentError(fmt::format("{}: cannot be read; --config names it", file));
  return ParseServerConfig(*text, file);
}

absl::Status CheckAddress(std::string_view address) {
  const auto bad = [address](std::string_view why) {
    return absl::InvalidArgumentError(fmt::format("'{}' {}", address, why));
  };
  if (address.starts_with("unix:")) {
    return address.starts_with("unix:/") ? absl::OkStatus() : bad("names no file: write \"unix:/PATH\"");
  }
  const std::size_t colon = address.rfind(':');
  if (colon == address.npos) return bad(fmt::format("has no port: write \"{}:8980\"", address));
  const std::string_view host = address.substr(0, colon), port = address.substr(colon + 1);
  const bool bracketed = host.starts_with('[') && host.ends_with(']');
  if (!bracketed && host.find_first_of(":[]/") != host.npos) {
    return bad("is no address: write \"HOST:PORT\", \"[IPV6]:PORT\" or \"unix:/PATH\"");
  }
  std::uint16_t number = 0;
  const auto [end, error] = std::from_chars(port.data(), port.data() + port.size(), number);
  if (error == std::errc() && end == port.data() + port.size()) return absl::OkStatus();
  return bad("has no port: write a number from 0 (any that is free) to 65535 after the last colon");
}

bool IsLocalAddress(std::string_view address) {
  if (address.starts_with("unix:")) return true;
  const std::string_view host = address.substr(0, address.rfind(':'));
  return host == "localhost" || host == "[::1]" ||
         (host.starts_with("127.") && host.find_first_not_of("0123456789.") == host.npos);
}

absl::Status CheckExposure(const ServerConfig& config) {
  if (config.server.insecure || !config.auth.empty()) return absl::OkStatus();
  const std::string file = config.file.empty() ? "" : config.file + ": ";
  for (const std::string& address : config.server.listen) {
    if (IsLocalAddress(address)) continue;
    return absl::FailedPreconditionError(fmt::format(
        "{}server.listen: other machines reach {}, and nobody is asked who they are: say who may do what in "
        "[auth], listen on 127.0.0.1, or allow it with server.insecure = true (--insecure)",
        file, address));
  }
  const std::string& status = config.status.listen;
  if (status.empty() || config.status.open || IsLocalAddress(status)) return absl::OkStatus();
  return absl::FailedPreconditionError(
      fmt::format("{}status.listen: other machines reach {}, and nobody is asked who they are: say who may do what in "
                  "[auth], listen on 127.0.0.1, or allow it with status.open = true",
                  file, status));
}

}  // namespace smelt
