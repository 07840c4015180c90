#ifndef SMELT_COMPILERS_RUSTC_RLIB_H_
#define SMELT_COMPILERS_RUSTC_RLIB_H_

#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include "absl/status/statusor.h"

namespace smelt::rustc {

// Part of a file.
struct Extent {
  std::int64_t offset = 0, length = 0;
};

// Reads the bytes [offset, offset + length) of a file, fewer at its end.
using ReadAt = std::function<absl::StatusOr<std::string>(std::int64_t offset, std::int64_t length)>;

// Where the member lib.rmeta of an rlib of `size` bytes lies; nullopt if there is none, or this is no archive. rustc
// writes what it emits as .rmeta there once more, behind some hundred bytes of an object file's header; it is the first
// member after the archive's symbols (rustc_codegen_ssa's link_rlib). Errors are those of `read`.
absl::StatusOr<std::optional<Extent>> MetadataMember(std::int64_t size, const ReadAt& read);

}  // namespace smelt::rustc

#endif  // SMELT_COMPILERS_RUSTC_RLIB_H_
