#ifndef SMELT_TESTING_DAMAGE_H_
#define SMELT_TESTING_DAMAGE_H_

#include <random>
#include <string>
#include <string_view>
#include <vector>

namespace smelt {

// The files below `directory` that are not empty and whose names end with `suffix`, sorted.
std::vector<std::string> FilesBelow(const std::string& directory, std::string_view suffix);

// Changes a bit of one of those files, or cuts its end off. Whoever has it open sees nothing of that.
void DamageOne(const std::string& directory, std::string_view suffix, std::mt19937& random);

// Writes over the first half of each of them, so that also whoever has it open reads something else.
void OverwriteAll(const std::string& directory, std::string_view suffix);

}  // namespace smelt

#endif  // SMELT_TESTING_DAMAGE_H_
