#ifndef SMELT_BASE_ARGUMENT_POINTERS_H_
#define SMELT_BASE_ARGUMENT_POINTERS_H_

#include <string>
#include <vector>

namespace smelt {

// `strings` as execve and posix_spawn want them, with a null at the end. They live as long as `strings` do.
inline std::vector<char*> ArgumentPointers(const std::vector<std::string>& strings) {
  std::vector<char*> pointers;
  for (const std::string& string : strings) pointers.push_back(const_cast<char*>(string.c_str()));
  pointers.push_back(nullptr);
  return pointers;
}

}  // namespace smelt

#endif  // SMELT_BASE_ARGUMENT_POINTERS_H_
