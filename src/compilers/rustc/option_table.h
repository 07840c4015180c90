#ifndef SMELT_COMPILERS_RUSTC_OPTION_TABLE_H_
#define SMELT_COMPILERS_RUSTC_OPTION_TABLE_H_

#include <optional>
#include <span>
#include <string_view>

#include "src/compilers/rustc/invocation.h"
#include "src/compilers/rustc/refusal.h"

namespace smelt::rustc {

// What rustc's flags are and what each means for the key: data, read by Parse. The lists are rustc 1.95's
// (`rustc --help -v`, `rustc -C help`, `rustc -Z help`); what is in none of them is refused, so a flag of a later rustc
// costs a compile, never a wrong hit.
struct OptionRow {
  std::string_view name;  // "--cfg", "-L"; in the tables of -C and -Z the bare name: "opt-level"
  bool takes_value;       // of -C and -Z: always optional, rustc itself checks it
  KeyUse use;
  std::optional<Refusal> refusal;  // set: any use of the flag is refused
  std::string_view reason;         // why this use, for readers of the table
};

// Flags outside -C and -Z, under one name each: the short one where it has one.
std::span<const OptionRow> Options();
std::span<const OptionRow> CodegenOptions();   // -C, all that rustc has
std::span<const OptionRow> UnstableOptions();  // -Z, those known to be safe and those with a refusal of their own

// By a name as written on a command line, dashes included: "--codegen" finds "-C". nullptr: unknown.
const OptionRow* FindOption(std::string_view name);

// By bare name; rustc takes '_' for '-' in these.
const OptionRow* FindCodegenOption(std::string_view name);
const OptionRow* FindUnstableOption(std::string_view name);

}  // namespace smelt::rustc

#endif  // SMELT_COMPILERS_RUSTC_OPTION_TABLE_H_
