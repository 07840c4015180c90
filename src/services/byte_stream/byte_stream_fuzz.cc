// Sequences of ByteStream messages on two streams at once, with broken connections and time that passes between them,
// against a model: what is kept is what was sent, in its place and under its name; nothing but the named blob is ever
// published; and no memory is held in the end.
//
// An input is a list of steps of five bytes: what to do on which stream, the name, the offset, the data, the length.

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "google/bytestream/bytestream.pb.h"
#include "src/digest/hasher.h"
#include "src/services/byte_stream/read_range.h"
#include "src/services/byte_stream/upload.h"
#include "src/services/publish.h"
#include "src/store/memory/memory_action_caches.h"
#include "src/store/memory/memory_blob_store.h"
#include "src/testing/fake_clock.h"
#include "src/testing/temp_dir.h"

namespace smelt {
namespace {

using google::bytestream::ReadRequest;
using google::bytestream::WriteRequest;

void Check(bool holds) {
  if (!holds) std::abort();
}

struct Step {
  std::uint8_t what, name, offset, data, length;
};

// A name, and what a good client sends under it.
struct Named {
  std::string name, blob, wire;
};

Named Identity(std::string_view prefix, const std::string& blob) {
  return {std::string(prefix) + "/blobs/" + DigestOf(blob).ToString(), blob, blob};
}

Named Zstd(std::string_view prefix, const std::string& blob) {
  return {std::string(prefix) + "/compressed-blobs/zstd/" + DigestOf(blob).ToString(), blob, CompressZstd(blob)};
}

Limits SmallLimits() {
  Limits limits;
  limits.blob_bytes_max = 1000;
  limits.staged_in_memory_bytes = 64;
  limits.partial_uploads_max = 3;
  limits.partial_bytes_max = 700;
  limits.memory_bytes = 100;
  return limits;
}

const Limits kLimits = SmallLimits();

const std::vector<Named>& Names() {
  static const std::string kLittle = "seventeen bytes..", kLarge(600, 'x');
  static const auto& names = *new std::vector<Named>{
      Identity("uploads/u", kLittle),
      Identity("uploads/v", kLittle),
      Identity("main/uploads/u", kLittle),
      Zstd("uploads/u", kLittle),
      Identity("uploads/u", kLarge),
      Zstd("uploads/u", kLarge),
      Identity("uploads/u", ""),
      {"", "", "no name"},
      {"blobs/nonsense", "", "not a name"},
      Identity("uploads/u", std::string(kLimits.blob_bytes_max + 1, 'y')),
  };
  return names;
}

const Named& NameOf(const Step& step) { return Names()[step.name % Names().size()]; }

// The services' parts; the stores are new for each input.
struct World {
  MemoryBlobStore blobs;
  MemoryActionCaches actions;
  AllowAll authorizer;
  FakeClock clock;
  BytesBudget budget{kLimits.memory_bytes};
  PartialUploads partials{kLimits, clock};
};

StagingRoom& Staging() {
  static const TempDir directory;
  static StagingRoom room(directory.path(), kLimits, FileSystem::System());
  return room;
}

absl::Status Publish(World& world, const reapi::ResourceName& name, Bytes wire) {
  static WorkerPool pool(1, 1);
  static BytesBudget unused(1);
  static StreamWatch watch(60, unused);
  static AnswerMemory answers(unused, watch);
  static ZstdForms forms(Staging().directory(), 0);
  const ServiceParts parts = {world.blobs,  world.actions, world.authorizer, kLimits,        Staging(), pool, pool,
                              world.budget, watch,         answers,          world.partials, forms};
  absl::Status result;
  PublishUpload(parts, name, std::move(wire), [&](absl::Status status) { result = std::move(status); });
  return result;
}

// What the stream of byte_stream_write.cc does, without one, beside what the model expects of it.
class Stream {
 public:
  using Parked = std::map<std::string, std::string, std::less<>>;  // name to what has arrived

  Stream(World& world, Parked& parked)
      : world_(world), parked_(parked), upload_(kLimits, world.partials, world.budget, Staging()) {}

  // False when the call has ended.
  bool Message(const Step& step) {
    request_.set_write_offset(OffsetOf(step));
    request_.set_data(DataOf(step));
    request_.set_finish_write((step.what & 0x40) != 0);
    const bool silent = upload_.begun() && (step.data & 0x40) != 0;
    request_.set_resource_name(silent ? "" : NameOf(step).name);
    return upload_.begun() ? Next() : First(NameOf(step));
  }

  // The connection breaks.
  void End() {
    if (!upload_.begun()) return;
    Check(upload_.size() == static_cast<std::int64_t>(arrived_.size()));
    upload_.Park();
    if (!arrived_.empty()) parked_[named_->name] = arrived_;
  }

 private:
  std::int64_t OffsetOf(const Step& step) const {
    switch (step.offset % 8) {
      case 0:
        return 0;
      case 1:
        return -1;
      case 2:
        return INT64_MAX;
      case 3:
        return step.offset / 8;
      default:
        return Here(NameOf(step).name);
    }
  }

  std::int64_t Here(std::string_view name) const {
    if (upload_.begun()) return static_cast<std::int64_t>(arrived_.size());
    const auto found = parked_.find(name);
    return found == parked_.end() ? 0 : static_cast<std::int64_t>(found->second.size());
  }

  std::string DataOf(const Step& step) const {
    const std::size_t length = step.length * std::size_t{4};
    if ((step.data & 0x20) != 0) return std::string(length, static_cast<char>(step.data));
    const std::string& wire = upload_.begun() ? named_->wire : NameOf(step).wire;
    const auto from = static_cast<std::size_t>(Here(NameOf(step).name));
    return from < wire.size() ? wire.substr(from, length) : std::string();
  }

  bool First(const Named& named) {
    named_ = &named;
    const bool good = named.name.find("uploads/") != std::string::npos && request_.write_offset() >= 0 &&
                      static_cast<std::int64_t>(named.blob.size()) <= kLimits.blob_bytes_max;
    Check(upload_.Begin(request_).ok() == good);
    if (!good || named.blob.empty()) return false;
    if (request_.write_offset() == 0 && request_.finish_write()) {
      arrived_ = request_.data();
      return Whole(Bytes(request_.data()));
    }
    if (world_.blobs.Get(upload_.name().digest).ok()) return false;
    return Open() && Append();
  }

  bool Open() {
    const std::string kept = std::exchange(parked_[named_->name], "");
    parked_.erase(named_->name);
    const auto offset = static_cast<std::size_t>(request_.write_offset());
    const bool goes_on = !kept.empty() && offset == kept.size();
    if (goes_on) arrived_ = kept;
    if (!goes_on && offset != 0 && !kept.empty()) parked_[named_->name] = kept;
    Check(upload_.Open(request_.write_offset()).ok() == (goes_on || offset == 0));
    return goes_on || offset == 0;
  }

  bool Next() {
    const bool same = request_.resource_name().empty() || request_.resource_name() == named_->name;
    const bool good = same && request_.write_offset() == static_cast<std::int64_t>(arrived_.size());
    Check(upload_.CheckNext(request_).ok() == good);
    return good && Append();
  }

  bool Append() {
    const std::size_t whole = arrived_.size() + request_.data().size();
    const bool zstd = upload_.name().compressor == reapi::ResourceName::Compressor::kZstd;
    const std::int64_t wire_bytes_max = zstd ? ZstdBytesMax(upload_.name().digest.size) : upload_.name().digest.size;
    const bool fits = static_cast<std::int64_t>(whole) <= wire_bytes_max;
    Check(upload_.Append(std::string(request_.data())).ok() == fits);
    if (!fits) return false;
    arrived_ += request_.data();
    return request_.finish_write() ? Whole(upload_.Finish()) : true;
  }

  // The call ends: the blob is in the store, and is what the name says; or nothing came of it.
  bool Whole(Bytes wire) {
    const Digest& digest = upload_.name().digest;
    const bool was_there = world_.blobs.Get(digest).ok();
    const absl::Status status = Publish(world_, upload_.name(), std::move(wire));
    if (arrived_ == named_->wire) Check(status.ok());
    if (named_->wire == named_->blob) Check(status.ok() == (arrived_ == named_->wire));
    const absl::StatusOr<Bytes> blob = world_.blobs.Get(digest);
    Check(blob.ok() == (was_there || status.ok()));
    if (blob.ok()) Check(*blob->ReadAll() == named_->blob);
    return false;
  }

  World& world_;
  Parked& parked_;
  Upload upload_;
  WriteRequest request_;
  const Named* named_ = nullptr;
  std::string arrived_;
};

void Read(World& world, const Step& step) {
  const Named& named = NameOf(step);
  const std::size_t prefix = named.name.find("blobs/");
  ReadRequest request;
  request.set_resource_name(prefix == std::string::npos ? "" : named.name.substr(prefix));
  request.set_read_offset(step.offset == 0xff ? INT64_MIN : step.offset - 1);
  request.set_read_limit(step.length == 0xff ? INT64_MAX : step.length - 1);
  const auto name = reapi::ParseReadName(request.resource_name());
  if (!name.ok()) return;
  const auto range = ReadRangeOf(request, *name);
  if (!range.ok()) return;
  Check(0 <= range->begin && range->begin <= range->end && range->end <= name->digest.size);
  const auto blob = world.blobs.Get(range->digest);
  if (!blob.ok()) return;
  const auto expected =
      named.blob.substr(static_cast<std::size_t>(request.read_offset()),
                        request.read_limit() == 0 ? std::string::npos : static_cast<std::size_t>(request.read_limit()));
  Check(*blob->Read(range->begin, range->end - range->begin) == expected);
}

// What QueryWriteStatus says is what has arrived, unless it was given up: for another one, or for its age.
void CheckParked(World& world, Stream::Parked& parked, bool may_be_given_up) {
  std::int64_t bytes = 0;
  for (auto entry = parked.begin(); entry != parked.end();) {
    const std::int64_t size = world.partials.SizeOf(entry->first);
    Check((size == 0 && may_be_given_up) || size == static_cast<std::int64_t>(entry->second.size()));
    bytes += size;
    entry = size == 0 ? parked.erase(entry) : std::next(entry);
  }
  Check(world.partials.bytes() == bytes && bytes <= kLimits.partial_bytes_max);
  Check(std::ssize(parked) <= kLimits.partial_uploads_max);
}

void Run(const std::uint8_t* data, std::size_t size) {
  World world;
  {
    Stream::Parked parked;
    std::array<std::optional<Stream>, 2> streams;
    for (std::size_t at = 0; at + sizeof(Step) <= size; at += sizeof(Step)) {
      const Step step = {data[at], data[at + 1], data[at + 2], data[at + 3], data[at + 4]};
      std::optional<Stream>& stream = streams[step.what >> 7];
      if (step.what % 8 == 0) {
        if (stream) stream->End();
        stream.reset();
      } else if (step.what % 8 == 1) {
        Read(world, step);
      } else if (step.what % 8 == 2) {
        world.clock.AdvanceSeconds(step.length * 4);
      } else {
        if (!stream) stream.emplace(world, parked);
        if (!stream->Message(step)) stream.reset();
      }
      CheckParked(world, parked, step.what % 8 == 0 || step.what % 8 == 2);
    }
  }
  world.clock.AdvanceSeconds(kLimits.partial_seconds + 1);
  Check(world.partials.Take("") == nullptr && world.partials.bytes() == 0);
  Check(world.budget.held_bytes() == 0);
}

}  // namespace
}  // namespace smelt

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  smelt::Run(data, size);
  return 0;
}
