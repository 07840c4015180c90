#ifndef SMELT_TESTING_SMALL_DISK_H_
#define SMELT_TESTING_SMALL_DISK_H_

#include <string>

namespace smelt {

// A disk of its own for a directory, in memory, that really runs full. Only this process sees it, and of its threads
// those that began after the first was made.
class SmallDisk {
 public:
  // `directory` exists. `size` as mount's: "8m".
  SmallDisk(std::string directory, const std::string& size);
  ~SmallDisk();
  SmallDisk(const SmallDisk&) = delete;
  SmallDisk& operator=(const SmallDisk&) = delete;

  // False where this process may not mount: then nothing was done.
  bool mounted() const { return mounted_; }

  // As when somebody else deletes something.
  void Resize(const std::string& size);

  // As when somebody else fills it to the last byte, and deletes that again.
  void Fill();
  void Unfill();

 private:
  std::string FillerPath() const { return directory_ + "/somebody-elses"; }

  const std::string directory_;
  bool mounted_ = false;
};

}  // namespace smelt

#endif  // SMELT_TESTING_SMALL_DISK_H_
