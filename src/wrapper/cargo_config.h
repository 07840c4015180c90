#ifndef SMELT_WRAPPER_CARGO_CONFIG_H_
#define SMELT_WRAPPER_CARGO_CONFIG_H_

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

// build.rustc-wrapper in the text of a cargo configuration file (TOML), in whichever of TOML's ways it is written: as a
// key of [build], as build.rustc-wrapper, or in build = { ... }. Pure: texts in, texts out.
namespace smelt::wrapper {

struct RustcWrapper {
  std::string value;               // what it says, escapes resolved; the raw text if it is no string
  int line = 0;                    // counted from 1
  std::size_t begin = 0, end = 0;  // of the value in the text, with its quotes
};

struct ScannedCargoConfig {
  // Set if the text is no TOML as far as it matters here; nothing else counts then.
  std::string error;
  int error_line = 0;

  std::optional<RustcWrapper> wrapper;

  // Where one would be put if there is none.
  enum { kNewTable, kBelowHeader, kBesideDottedKey, kInInlineTable } place = kNewTable;
  std::size_t offset = 0;
  bool inline_table_is_empty = false;
};

ScannedCargoConfig ScanCargoConfig(std::string_view text);

// `text` with build.rustc-wrapper set to `path`; all other bytes stay. `scanned` is of `text` and has no error.
std::string WithRustcWrapper(std::string_view text, const ScannedCargoConfig& scanned, std::string_view path);

}  // namespace smelt::wrapper

#endif  // SMELT_WRAPPER_CARGO_CONFIG_H_
