#ifndef SMELT_CONFIG_TOML_TEXT_H_
#define SMELT_CONFIG_TOML_TEXT_H_

#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "toml.hpp"

namespace smelt {

// What a file holds; nothing if it cannot be read, be it a directory.
std::optional<std::string> ReadText(const std::string& file);

// The one way to toml11. INVALID_ARGUMENT, with file and line, for text that is not TOML. What is not UTF-8 never gets
// to toml11, which reads beyond its buffer where it finds that within '...'; nor does what is nested deeply, for which
// its stack does not last.
absl::StatusOr<toml::value> ParseToml(const std::string& text, const std::string& file);

}  // namespace smelt

#endif  // SMELT_CONFIG_TOML_TEXT_H_
