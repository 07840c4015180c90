#include <sys/mman.h>
#include <unistd.h>

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <optional>
#include <string>

#include "src/base/unique_fd.h"
#include "src/config/config.h"
#include "src/config/sccache.h"
#include "src/config/server_config.h"

namespace smelt {
namespace {

// An error says in which file it is, whatever that file holds.
void CheckError(const absl::Status& status) {
  if (!status.ok() && std::string(status.message()).find("fuzz.toml") == std::string::npos) std::abort();
}

void CheckNumber(const absl::StatusOr<std::int64_t>& number) {
  if (number.ok() && *number <= 0) std::abort();
}

// As sccache's own file, which is read from where a variable says.
void CheckSccache(const std::string& text) {
  const UniqueFd file(::memfd_create("fuzz.toml", MFD_CLOEXEC));
  if (::write(file.get(), text.data(), text.size()) != static_cast<ssize_t>(text.size())) std::abort();
  const std::string path = "/proc/self/fd/" + std::to_string(file.get());
  Config config;
  ApplySccache([&](const std::string& name) { return name == "SCCACHE_CONF" ? std::optional(path) : std::nullopt; },
               false, config)
      .IgnoreError();
  if (config.cache_bytes_max <= 0) std::abort();
}

}  // namespace
}  // namespace smelt

// A configuration, whatever is in it, is taken or refused with an error that names the file.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string text(reinterpret_cast<const char*>(data), size);
  const absl::StatusOr<smelt::ServerConfig> server = smelt::ParseServerConfig(text, "fuzz.toml");
  smelt::CheckError(server.status());
  if (server.ok()) smelt::CheckExposure(*server).IgnoreError();
  smelt::CheckError(smelt::ParseConfig(text, "fuzz.toml").status());
  smelt::CheckSccache(text);
  smelt::CheckNumber(smelt::ParseSize(text));
  smelt::CheckNumber(smelt::ParseDuration(text));
  return 0;
}
