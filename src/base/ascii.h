#ifndef SMELT_BASE_ASCII_H_
#define SMELT_BASE_ASCII_H_

#include <cctype>
#include <string>
#include <string_view>

namespace smelt {

// `text` without blanks, tabs and line ends at either end.
inline std::string_view Trimmed(std::string_view text) {
  while (!text.empty() && std::isspace(static_cast<unsigned char>(text.front()))) text.remove_prefix(1);
  while (!text.empty() && std::isspace(static_cast<unsigned char>(text.back()))) text.remove_suffix(1);
  return text;
}

// `text` with the letters A to Z as a to z.
inline std::string LowerCase(std::string_view text) {
  std::string lower(text);
  for (char& c : lower) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return lower;
}

}  // namespace smelt

#endif  // SMELT_BASE_ASCII_H_
