#include "src/compilers/rustc/invocation.h"

#include <algorithm>

namespace smelt::rustc {

bool Invocation::Emits(std::string_view kind) const {
  return std::any_of(emits.begin(), emits.end(), [&](const Emit& emit) { return emit.kind == kind; });
}

bool Invocation::Links() const {
  if (!Emits("link")) return false;
  if (test) return true;
  return std::any_of(crate_types.begin(), crate_types.end(),
                     [](const std::string& type) { return type != "lib" && type != "rlib" && type != "staticlib"; });
}

std::string Invocation::Describe() const {
  std::string text = crate_name;
  if (test) return text + " test";
  for (std::size_t i = 0; i < crate_types.size(); ++i) text += (i == 0 ? " " : "+") + crate_types[i];
  if (!Emits("link")) text += " (check)";
  return text;
}

}  // namespace smelt::rustc
