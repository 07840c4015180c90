#ifndef SMELT_BASE_QUOTED_H_
#define SMELT_BASE_QUOTED_H_

#include <string>
#include <string_view>

namespace smelt {

// Somebody else's words for a line of a log: in quotes, cut at 256 bytes, and without any character that could end the
// quotes or begin another line.
std::string Quoted(std::string_view text);

}  // namespace smelt

#endif  // SMELT_BASE_QUOTED_H_
