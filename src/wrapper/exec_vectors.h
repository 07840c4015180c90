#ifndef SMELT_WRAPPER_EXEC_VECTORS_H_
#define SMELT_WRAPPER_EXEC_VECTORS_H_

#include <string>
#include <string_view>
#include <vector>

namespace smelt::wrapper {

// `strings` as exec and environ want them: pointers into them, and a null at the end. Valid as long as `strings` is not
// changed.
inline std::vector<char*> Pointers(const std::vector<std::string>& strings) {
  std::vector<char*> pointers;
  for (const std::string& string : strings) pointers.push_back(const_cast<char*>(string.c_str()));
  pointers.push_back(nullptr);
  return pointers;
}

// "NAME" of "NAME=value".
inline std::string_view NameOf(std::string_view entry) { return entry.substr(0, entry.find('=')); }

}  // namespace smelt::wrapper

#endif  // SMELT_WRAPPER_EXEC_VECTORS_H_
