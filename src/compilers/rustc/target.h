#ifndef SMELT_COMPILERS_RUSTC_TARGET_H_
#define SMELT_COMPILERS_RUSTC_TARGET_H_

#include <string_view>

namespace smelt::rustc {

// How the files of a target are named: crate "foo" as a program is "foo" + program_suffix, as a shared library
// shared_prefix + "foo" + shared_suffix, as a static library static_prefix + "foo" + static_suffix.
struct FileNaming {
  std::string_view program_suffix;
  std::string_view shared_prefix;
  std::string_view shared_suffix;
  std::string_view static_prefix;
  std::string_view static_suffix;
};

// `target` is a triple, a path of a .json (named as its stem says), or empty for x86_64-unknown-linux-gnu.
FileNaming NamingOf(std::string_view target);

// True if rustc links for `target` through a C compiler whose linker knows --dependency-file, unless told otherwise.
bool LinkedByCCompiler(std::string_view target);

// True if `linker`, given with -C linker, is by its file name such a C compiler for `target`: cc, gcc, g++, c++, clang,
// clang++, with a prefix ("aarch64-linux-gnu-gcc") and a version ("clang-17").
bool IsCCompiler(std::string_view linker, std::string_view target);

bool IsApple(std::string_view target);

}  // namespace smelt::rustc

#endif  // SMELT_COMPILERS_RUSTC_TARGET_H_
