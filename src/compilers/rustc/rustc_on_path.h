#ifndef SMELT_COMPILERS_RUSTC_RUSTC_ON_PATH_H_
#define SMELT_COMPILERS_RUSTC_RUSTC_ON_PATH_H_

#include <string>
#include <vector>

namespace smelt::rustc {

// For tests that compare the model with the compiler itself.
struct RustcRun {
  int status = -1;     // exit status; -1 if it could not be run
  std::string output;  // stdout and stderr
};

// Runs the rustc of PATH in `directory`.
RustcRun RunRustc(const std::vector<std::string>& arguments, const std::string& directory);

// False where no rustc works: such tests are then skipped.
bool HasRustc();

}  // namespace smelt::rustc

#endif  // SMELT_COMPILERS_RUSTC_RUSTC_ON_PATH_H_
