#ifndef SMELT_WRAPPER_DISPLAY_H_
#define SMELT_WRAPPER_DISPLAY_H_

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace smelt::wrapper {

// What to write in place of what, where the compiler was told other paths than the user knows.
using Display = std::vector<std::pair<std::string, std::string>>;

// `line` with every occurrence of a pair's first text that is followed by '/' replaced by its second; where the second
// is empty, the first is taken out wherever it stands. At each place the first pair of the list that fits counts; what
// has been put in is not looked at again.
std::string WithDisplay(std::string_view line, const Display& display);

}  // namespace smelt::wrapper

#endif  // SMELT_WRAPPER_DISPLAY_H_
