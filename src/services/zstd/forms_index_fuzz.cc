// What is taken for an index of compressed forms is one, and names files of its own directory only.
#include <cstdint>
#include <cstdlib>
#include <string>

#include "src/digest/hasher.h"
#include "src/services/zstd/forms_index.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string lines(reinterpret_cast<const char*>(data), size);
  (void)smelt::ParseFormRows(lines);
  const auto rows = smelt::ParseFormRows(lines + smelt::DigestOf(lines).ToString() + "\n");
  if (!rows.ok()) return 0;
  for (const smelt::FormRow& row : *rows) {
    if (row.begin < 0 || row.file.find('/') != std::string::npos) std::abort();
  }
  if (smelt::ParseFormRows(smelt::SerializeFormRows(*rows)).value() != *rows) std::abort();
  return 0;
}
