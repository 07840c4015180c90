#ifndef SMELT_BASE_GLOB_H_
#define SMELT_BASE_GLOB_H_

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace smelt {

// A pattern in which `*` stands for any text, also for none and for one with slashes, and everything else for itself.
// A value; matching takes time proportional to the text times the pattern at worst.
class Glob {
 public:
  explicit Glob(std::string_view pattern);

  bool Matches(std::string_view text) const;

  // This pattern with each `{name}` replaced by what `value` has for the name. What is put in stands for itself, even
  // where it contains `*` or braces. nullopt where `value` has nothing, or an empty text, for a name.
  using Value = std::function<std::optional<std::string>(std::string_view name)>;
  std::optional<Glob> Expand(const Value& value) const;

 private:
  std::vector<std::string> pieces_;  // what stands between the stars: one more than there are stars
};

}  // namespace smelt

#endif  // SMELT_BASE_GLOB_H_
