#ifndef SMELT_TESTING_TEMP_DIR_H_
#define SMELT_TESTING_TEMP_DIR_H_

#include <string>
#include <string_view>

namespace smelt {

// A fresh directory for one test, under TEST_TMPDIR (else TMPDIR, else /tmp), removed with all that is in it, whatever
// its modes. Ends the program if it cannot be made.
class TempDir {
 public:
  TempDir();
  ~TempDir();
  TempDir(const TempDir&) = delete;
  TempDir& operator=(const TempDir&) = delete;

  const std::string& path() const { return path_; }

  // The path of `name` in it.
  std::string operator/(std::string_view name) const;

 private:
  std::string path_;
};

}  // namespace smelt

#endif  // SMELT_TESTING_TEMP_DIR_H_
