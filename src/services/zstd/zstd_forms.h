#ifndef SMELT_SERVICES_ZSTD_ZSTD_FORMS_H_
#define SMELT_SERVICES_ZSTD_ZSTD_FORMS_H_

#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "src/base/unique_fd.h"
#include "src/digest/digest.h"
#include "src/digest/hasher.h"
#include "src/services/zstd/forms_index.h"
#include "src/store/bytes.h"

namespace smelt {

// Blobs as zstd, as they were uploaded, once sent, or came from a far store: so that what many clients read is
// compressed once. Nothing depends on it: it is not synced, drops what is oldest, and is empty after a crash. It says
// nothing of whether a blob is in the store.
//
// They lie in a few unnamed files, which go one by one when there are too many, and all at once when one is to be kept
// and the disk has little room. Only from a server's end (SaveTo) to its next start (LoadFrom) do the files need names.
// Thread-safe; blocks for the disk. docs/adr/0014-blobs-are-compressed-once.md has what it saves.
class ZstdForms {
  struct Segment;
  struct Form;

 public:
  static constexpr std::int64_t kBlobBytesMin = 64 << 10;  // smaller blobs are compressed as fast as they are found

  // At most `bytes_max` bytes on the file system of `directory`, and none while less than twice `free_bytes_min` are
  // free there; with 0 nothing is kept.
  ZstdForms(std::string directory, std::int64_t bytes_max, std::int64_t free_bytes_min = 0);

  // Gives the files names in `directory`, on the same file system, with an index of what they hold that is known to be
  // right. The last call of all. On an error nothing is saved.
  absl::Status SaveTo(const std::string& directory);

  // Takes what SaveTo has left there, as the oldest, and removes whatever else is there. The first call of all.
  void LoadFrom(const std::string& directory);

  // Reads one form from its beginning to its end, also when it has been dropped meanwhile. One thread at a time.
  class Reader {
   public:
    // The next bytes, at most so many. UNAVAILABLE if they cannot be read, and after Find instead of the last ones if
    // they are not what was kept: the form is then forgotten, and the next call finds none.
    absl::StatusOr<std::string> Next(std::int64_t length);

    std::int64_t left() const;

   private:
    friend class ZstdForms;
    Reader(ZstdForms& forms, const Digest& blob, const Form& form, std::optional<Digest> expected);

    ZstdForms& forms_;
    const Digest blob_;
    const std::shared_ptr<const Segment> segment_;
    const std::optional<Digest> expected_;  // of the form
    std::int64_t offset_ = 0, end_ = 0;
    Hasher hasher_;
  };

  // The form of a blob, if it is kept and known to hold the blob.
  std::optional<Reader> Find(const Digest& blob);

  // The same, known or not, for a reader who finds out whether it holds the blob.
  std::optional<Reader> FindAny(const Digest& blob);

  // True if Keep would keep a form of so many bytes.
  bool Wants(const Digest& blob, std::int64_t bytes);

  // Who makes a form while it sends it: one for each blob, and kMakersMax together, so that what they have staged is
  // bounded. Ends when it goes.
  class Maker {
   public:
    explicit Maker(ZstdForms& forms, const Digest& blob) : forms_(forms), blob_(blob) {}
    Maker(const Maker&) = delete;
    ~Maker();

   private:
    ZstdForms& forms_;
    const Digest blob_;
  };

  // Null if there is one already, or are too many, or the form is not wanted.
  std::unique_ptr<Maker> BeginToMake(const Digest& blob);

  // Keeps `frames`, which are known to hold this blob, if that saves a tenth at least and there is no form yet; if
  // it fails, nothing is kept.
  void Keep(const Digest& blob, const Bytes& frames);

  // Takes frames as they arrive, of which nobody knows whether they hold their blob. One thread at a time.
  class Arrival {
   public:
    Arrival(ZstdForms& forms, const Digest& blob) : forms_(forms), blob_(blob) {}

    // So many bytes will come; what came before is void.
    void Begin(std::int64_t bytes);

    // RESOURCE_EXHAUSTED if the form is not wanted or there is no room; errors of the disk.
    absl::Status Add(std::string_view frames);

    // All have come: until Confirm is called only FindAny finds the form.
    void Keep() { KeepAs(std::nullopt); }

   private:
    friend class ZstdForms;
    void KeepAs(std::optional<Digest> digest);

    ZstdForms& forms_;
    const Digest blob_;
    std::shared_ptr<Segment> segment_;
    std::int64_t begin_ = 0, at_ = 0, end_ = 0;  // in the segment
  };

  // What FindAny gives is `frames`, and they hold the blob.
  void Confirm(const Digest& blob, const Digest& frames);

  void Forget(const Digest& blob);

 private:
  static constexpr std::int64_t kSegments = 8;
  static constexpr std::size_t kFormsInSegmentMax = 1 << 16;
  static constexpr std::size_t kMakersMax = 8;

  struct Segment {
    ~Segment();

    UniqueFd fd;
    std::string path;           // of its name, which goes with it; empty without one
    std::int64_t size = 0;      // guarded by mu_
    std::vector<Digest> blobs;  // guarded by mu_: whose forms it holds
  };
  struct Form {
    std::shared_ptr<const Segment> segment;
    std::int64_t begin = 0, end = 0;
    std::optional<Digest> digest;  // of the form, once it is known that it holds the blob
  };

  void KeepNow(const Digest& blob, const Bytes& frames);
  absl::StatusOr<std::string> GiveName(Segment& segment, const std::string& directory);  // with mu_ held
  void Take(const std::string& directory, const FormRow& row,
            absl::flat_hash_map<std::string, std::shared_ptr<Segment>>& segments);
  std::shared_ptr<Segment> Opened(const std::string& path) const;
  bool HasRoom() const;
  std::shared_ptr<Segment> Reserve(std::int64_t bytes, std::int64_t& offset);
  std::shared_ptr<Segment> DropOldest();
  void DropAll();

  const std::string directory_;
  const std::int64_t segment_bytes_, free_bytes_min_;

  std::mutex mu_;
  std::deque<std::shared_ptr<Segment>> segments_;  // guarded by mu_; the last one is being filled
  absl::flat_hash_map<Digest, Form> forms_;        // guarded by mu_
  absl::flat_hash_set<Digest> under_way_;          // guarded by mu_; somebody keeps it
  absl::flat_hash_set<Digest> making_;             // guarded by mu_
};

}  // namespace smelt

#endif  // SMELT_SERVICES_ZSTD_ZSTD_FORMS_H_
