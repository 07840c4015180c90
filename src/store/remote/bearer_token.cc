#include "src/store/remote/bearer_token.h"

#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <vector>

#include "fmt/format.h"
#include "src/base/process.h"
#include "src/base/status_macros.h"

namespace smelt {
namespace {

absl::StatusOr<std::string> FirstLine(std::string text, const std::string& source) {
  text.resize(std::min(text.find_first_of("\r\n"), text.size()));
  const bool printable = std::all_of(text.begin(), text.end(), [](char c) { return c > ' ' && c < 0x7f; });
  if (text.empty() || !printable) {
    return absl::InvalidArgumentError(
        fmt::format("{} does not hold a token: its first line must be one word of printable ASCII", source));
  }
  return text;
}

}  // namespace

absl::StatusOr<std::string> BearerToken::Read() {
  if (!options_.token.empty()) return FirstLine(options_.token, "[remote] token");
  if (!options_.token_command.empty()) {
    std::vector<std::string> environment;
    for (char** variable = environ; *variable; ++variable) environment.push_back(*variable);
    auto output = OutputOf({"/bin/sh", "-c", options_.token_command}, environment);
    if (!output.ok()) {
      return absl::InvalidArgumentError(fmt::format("[remote] token_command failed: {}", options_.token_command));
    }
    return FirstLine(*output, "the output of [remote] token_command");
  }
  std::ifstream file(options_.token_file);
  std::string line;
  if (!std::getline(file, line)) {
    return absl::InvalidArgumentError(fmt::format("[remote] token_file {} cannot be read", options_.token_file));
  }
  return FirstLine(line, "[remote] token_file " + options_.token_file);
}

absl::StatusOr<std::string> BearerToken::Get() {
  if (options_.token.empty() && options_.token_file.empty() && options_.token_command.empty()) return std::string();
  const std::int64_t now = clock_.NowNanos();
  absl::MutexLock lock(&mu_);
  if (token_.empty() || now - read_ns_ > kFreshNanos) {
    ASSIGN_OR_RETURN(token_, Read());
    read_ns_ = now;
  }
  return token_;
}

void BearerToken::Forget() {
  absl::MutexLock lock(&mu_);
  token_.clear();
}

}  // namespace smelt
