#include "src/store/s3/bucket_store.h"

#include <algorithm>
#include <random>
#include <utility>

#include "absl/container/flat_hash_set.h"
#include "fmt/format.h"
#include "src/base/status_macros.h"
#include "src/digest/hasher.h"
#include "src/reapi/bounded_parse.h"
#include "src/store/s3/bucket_format.h"
#include "src/store/spool.h"
#include "src/store/zstd.h"

namespace smelt {
namespace {

constexpr std::int64_t kSecond = 1'000'000'000;
constexpr std::int64_t kSealedBytesMax = reapi::kResultBytesMax + Digest::kHashBytes;  // of a result

std::string RandomWriter() {
  std::random_device random;
  return fmt::format("{:08x}{:08x}", random(), random());
}

BucketStoreOptions Named(BucketStoreOptions options) {
  if (options.writer.empty()) options.writer = RandomWriter();
  return options;
}

PackWriterOptions WriterOptions(const BucketStoreOptions& options) {
  PackWriterOptions writer;
  writer.writer = options.writer;
  writer.pack_bytes = options.pack_bytes;
  writer.seal_after_ms = options.seal_after_ms;
  writer.pending_bytes_max = options.pending_bytes_max;
  writer.threads = options.upload_threads;
  writer.retry_ms = options.retry_ms;
  return writer;
}

bool IsEmpty(const Digest& digest) { return digest.size == 0 && digest == DigestOf(std::string_view()); }

bool PaysOff(std::int64_t compressed, std::int64_t size) { return compressed < size - size / 16; }

absl::Status CheckDigest(const Digest& digest, const Bytes& bytes) {
  ASSIGN_OR_RETURN(const Digest actual, DigestOf(bytes));
  if (actual == digest) return absl::OkStatus();
  return absl::DataLossError(fmt::format("blob {} came back as {}", digest.ToString(), actual.ToString()));
}

absl::Status NoBlob(const Digest& digest) {
  return absl::NotFoundError(fmt::format("no blob {} in the bucket", digest.ToString()));
}

// By an index that is `complete`, or may yet name another place.
absl::Status Absent(const Digest& name, bool complete) {
  if (!complete) return absl::UnavailableError("the bucket's index is still being read");
  return IsResultName(name) ? absl::NotFoundError("no such result in the bucket") : NoBlob(name);
}

absl::Status OtherSize(const BucketIndex::Place& place) {
  return absl::DataLossError(fmt::format("{} has not the {} bytes that it should", place.pack, place.stored_size));
}

}  // namespace

// An object on its way, unpacked and digested as it comes: the network is never idle while that is done.
class BucketStore::Arrival {
 public:
  Arrival(bool zstd, std::int64_t bytes_max, const std::string& directory, const Insertion* insertion = nullptr)
      : zstd_(zstd), bytes_max_(bytes_max), directory_(directory), insertion_(insertion) {}

  BodySink Sink() {
    return {.begin = [this] { Begin(); }, .add = [this](std::string_view piece) { return Add(piece); }};
  }

  absl::StatusOr<Bytes> Finish() {
    if (zstd_) RETURN_IF_ERROR(decoder_.End());
    return spool_.Finish();
  }

 private:
  void Begin() {
    const std::int64_t bytes = bytes_max_ + (insertion_ == nullptr ? 0 : insertion_->bytes.size());
    spool_ = Spool(directory_, bytes <= Spool::kMemoryBytes ? bytes : 0, Spool::Digesting::kYes);
    if (insertion_ != nullptr) spool_.Insert(*insertion_);
    decoder_.Begin(bytes_max_);
  }

  absl::Status Add(std::string_view piece) {
    if (!zstd_) return Append(piece);
    return decoder_.Add(piece, [this](std::string_view unpacked) { return Append(unpacked); });
  }

  absl::Status Append(std::string_view piece) {
    if (spool_.size() + static_cast<std::int64_t>(piece.size()) <= bytes_max_) return spool_.Append(piece);
    return absl::DataLossError(fmt::format("holds more than the {} bytes that it should", bytes_max_));
  }

  const bool zstd_;
  const std::int64_t bytes_max_;
  const std::string& directory_;
  const Insertion* const insertion_;
  ZstdDecoder decoder_;
  Spool spool_;
};

class BucketStore::Results : public ActionCache {
 public:
  Results(BucketStore& store, std::string_view instance) : store_(store), instance_(instance) {}

  absl::StatusOr<ActionResult> Get(const Digest& action) override {
    ASSIGN_OR_RETURN(const std::string text, store_.GetResult(ResultName(instance_, action)));
    absl::StatusOr<ActionResult> result = reapi::ParseResult(text);
    if (result.ok()) return result;
    return absl::NotFoundError(fmt::format("the result in the bucket: {}", std::string(result.status().message())));
  }

  absl::Status Put(const Digest& action, const ActionResult& result) override {
    RETURN_IF_ERROR(reapi::CheckResultSize(result));
    const Digest name = ResultName(instance_, action);
    if (const auto earlier = store_.Find(name)) store_.writer_.After(earlier->sealed_ns);
    return store_.writer_.Put(name, store_.Packed(SealResult(name, result.SerializeAsString())));
  }

 private:
  BucketStore& store_;
  const std::string instance_;
};

BucketStore::BucketStore(BucketStoreOptions options, ObjectStore& objects, Clock& clock)
    : options_(Named(std::move(options))),
      objects_(objects),
      clock_(clock),
      log_(clock, options_.log),
      index_(clock, options_.index_bytes_max),
      reader_(objects, index_, clock, log_),
      packs_(objects, options_.read_cache_bytes),
      writer_(WriterOptions(options_), objects, index_, clock) {}

BucketStore::~BucketStore() = default;

std::shared_ptr<ActionCache> BucketStore::Of(std::string_view instance) {
  return std::make_shared<Results>(*this, instance);
}

absl::Status BucketStore::Flush() {
  PublishUses();
  return writer_.Flush();
}

// An index that is older than it should be is better than none, and so is one that is not all there yet.
absl::Status BucketStore::Freshen(std::int64_t max_age_ms) {
  const absl::Status refreshed = reader_.Refresh(max_age_ms, options_.patience_ms);
  return reader_.IsComplete() || absl::IsDeadlineExceeded(refreshed) ? absl::OkStatus() : refreshed;
}

std::optional<BucketStore::Place> BucketStore::Find(const Digest& name) {
  return index_.Find(name, clock_.NowNanos() - options_.touch_after_seconds * kSecond, reader_.IsComplete());
}

bool BucketStore::Stays(const Digest& name) {
  const std::optional<Place> place = Find(name);
  return place && place->stays;
}

absl::StatusOr<BucketStore::Place> BucketStore::FindOrRefresh(const Digest& name) {
  RETURN_IF_ERROR(Freshen(options_.refresh_ms));
  std::optional<Place> place = Find(name);
  bool complete = true;
  if (!place) {
    RETURN_IF_ERROR(Freshen(options_.refresh_on_miss_ms));
    complete = reader_.IsComplete();
    place = Find(name);
  }
  PublishUses();
  if (place) return *std::move(place);
  return Absent(name, complete);
}

void BucketStore::PublishUses() {
  std::vector<bucket::v1::Mark> marks;
  for (std::string& key : index_.TakeUsed()) {
    bucket::v1::Mark& mark = marks.emplace_back();
    mark.set_key(std::move(key));
    mark.set_used_ns(clock_.NowNanos());
  }
  if (marks.empty()) return;
  for (const bucket::v1::Mark& mark : marks) index_.Add(mark);
  writer_.Publish(std::move(marks));
}

absl::StatusOr<Bytes> BucketStore::Receive(const Place& place, Arrival arrival) {
  RETURN_IF_ERROR(objects_.Read(place.pack, arrival.Sink()));
  return arrival.Finish();
}

absl::StatusOr<Bytes> BucketStore::Fetch(const Digest& name, const Place& place, std::int64_t bytes_max) {
  if (IsBlobKey(place.pack)) return Receive(place, Arrival(place.zstd, bytes_max, options_.staging_directory));
  ASSIGN_OR_RETURN(std::string contents, packs_.Read(place));
  if (place.zstd) {
    ASSIGN_OR_RETURN(contents, ZstdDecompress(contents, bytes_max));
  }
  return Bytes(std::move(contents));
}

absl::StatusOr<Bytes> BucketStore::FetchChecked(const Digest& name, const Place& place, std::int64_t bytes_max,
                                                const std::function<absl::Status(const Bytes&)>& check) {
  absl::Status damage;
  bool cut = false;
  for (int attempt = 0; attempt < 2; ++attempt) {  // the bytes may be wrong in the bucket, or on their way
    absl::StatusOr<Bytes> bytes = Fetch(name, place, bytes_max);
    if (bytes.ok()) damage = check(*bytes);
    if (bytes.ok() && damage.ok()) return bytes;
    if (absl::IsNotFound(bytes.status())) {
      Forget(name, place, bytes.status(), /*all_of_it=*/true);
      return Absent(name, reader_.IsComplete());
    }
    cut = absl::IsOutOfRange(bytes.status());
    if (!bytes.ok() && !cut && !absl::IsDataLoss(bytes.status())) return bytes;
    if (!bytes.ok()) damage = absl::DataLossError(std::string(bytes.status().message()));
    packs_.Drop(place);
  }
  ++corrupt_;
  Forget(name, place, damage, cut);
  writer_.After(place.sealed_ns);
  return damage;
}

void BucketStore::Forget(const Digest& name, const Place& place, const absl::Status& damage, bool all_of_it) {
  const std::string what = all_of_it ? "all that it held" : IsResultName(name) ? "a result" : "blob " + name.ToString();
  log_.Damaged(place.pack, std::string(damage.message()), what + " is missing until it is put again");
  all_of_it ? index_.ForgetPack(place.pack) : index_.Forget(name, place.pack);
}

absl::StatusOr<Bytes> BucketStore::GetHere(const Digest& digest) {
  ASSIGN_OR_RETURN(const Place place, FindOrRefresh(digest));
  return FetchChecked(digest, place, digest.size, [&](const Bytes& bytes) { return CheckDigest(digest, bytes); });
}

absl::StatusOr<Bytes> BucketStore::Get(const Digest& digest) {
  if (IsEmpty(digest)) return Bytes();
  if (const auto pending = writer_.Find(digest)) {
    if (!pending->zstd) return Bytes(pending->stored);
    ASSIGN_OR_RETURN(std::string contents, ZstdDecompress(pending->stored, digest.size));
    return Bytes(std::move(contents));
  }
  return downloads_.Do(digest, [&] { return GetHere(digest); });
}

absl::Status BucketStore::ReadPacked(const Digest& digest, const PackedSink& sink) {
  ASSIGN_OR_RETURN(const Place place, FindOrRefresh(digest));
  if (!place.zstd) return NoBlob(digest);
  return IsBlobKey(place.pack) ? ReadObject(place, sink) : ReadPayload(place, sink);
}

absl::Status BucketStore::ReadObject(const Place& place, const PackedSink& sink) {
  std::int64_t missing = place.stored_size;
  const auto begin = [&] { sink.begin(missing = place.stored_size); };
  const auto add = [&](std::string_view piece) {
    missing -= static_cast<std::int64_t>(piece.size());
    return missing < 0 ? OtherSize(place) : sink.add(piece);
  };
  RETURN_IF_ERROR(objects_.Read(place.pack, {begin, add}));
  return missing > 0 ? OtherSize(place) : absl::OkStatus();
}

absl::Status BucketStore::ReadPayload(const Place& place, const PackedSink& sink) {
  const absl::StatusOr<std::string> frames = packs_.Read(place);
  if (absl::IsOutOfRange(frames.status())) return OtherSize(place);
  RETURN_IF_ERROR(frames.status());
  sink.begin(place.stored_size);
  return sink.add(*frames);
}

absl::StatusOr<Bytes> BucketStore::GetObjectWith(const Digest& digest, const Insertion& insertion) {
  ASSIGN_OR_RETURN(const Place place, FindOrRefresh(digest));
  if (!IsBlobKey(place.pack)) return NoBlob(digest);
  return Receive(place, Arrival(place.zstd, digest.size, options_.staging_directory, &insertion));
}

absl::StatusOr<std::string> BucketStore::GetResult(const Digest& name) {
  if (const auto pending = writer_.Find(name)) {
    if (!pending->zstd) return OpenResult(name, pending->stored);
    ASSIGN_OR_RETURN(const std::string contents, ZstdDecompress(pending->stored, kSealedBytesMax));
    return OpenResult(name, contents);
  }
  ASSIGN_OR_RETURN(const Place place, FindOrRefresh(name));
  std::string result;
  const auto check = [&](const Bytes& bytes) -> absl::Status {
    ASSIGN_OR_RETURN(const std::string payload, bytes.ReadAll());
    ASSIGN_OR_RETURN(result, OpenResult(name, payload));
    return absl::OkStatus();
  };
  const absl::Status fetched = FetchChecked(name, place, kSealedBytesMax, check).status();
  if (absl::IsDataLoss(fetched)) return absl::NotFoundError(std::string(fetched.message()));
  if (!fetched.ok()) return fetched;
  return result;
}

PackWriter::Payload BucketStore::Packed(std::string contents) const {
  std::string compressed = ZstdCompress(contents, options_.zstd_level);
  const bool pays = PaysOff(static_cast<std::int64_t>(compressed.size()), static_cast<std::int64_t>(contents.size()));
  return pays ? PackWriter::Payload{std::move(compressed), true} : PackWriter::Payload{std::move(contents), false};
}

absl::Status BucketStore::Put(const Digest& digest, Bytes bytes) {
  ASSIGN_OR_RETURN(const Digest actual, DigestOf(bytes));
  if (actual != digest) {
    return absl::InvalidArgumentError(fmt::format("bytes put as blob {} are {}", digest.ToString(), actual.ToString()));
  }
  if (IsEmpty(digest) || writer_.Holds(digest)) return absl::OkStatus();
  Freshen(options_.refresh_ms).IgnoreError();  // at worst it is sent twice
  if (Stays(digest)) return absl::OkStatus();
  if (digest.size > options_.packed_bytes_max) {
    return uploads_.Do(digest, [&] { return Stays(digest) ? absl::OkStatus() : PutObject(digest, bytes); });
  }
  ASSIGN_OR_RETURN(std::string contents, bytes.ReadAll());
  return writer_.Put(digest, Packed(std::move(contents)));
}

absl::Status BucketStore::PutObject(const Digest& digest, const Bytes& bytes) {
  ASSIGN_OR_RETURN(const Bytes compressed, ZstdCompress(bytes, options_.zstd_level, options_.staging_directory));
  const bool pays = PaysOff(compressed.size(), bytes.size());
  const Bytes& stored = pays ? compressed : bytes;
  const std::int64_t now_ns = writer_.NextTime();
  bucket::v1::Pack object;
  object.set_key(BlobKey(digest, now_ns, writer_.writer()));
  object.set_sealed_ns(now_ns);
  object.set_size(stored.size());
  bucket::v1::Payload* payload = object.add_payloads();
  payload->set_hash(std::string(reinterpret_cast<const char*>(digest.hash.data()), digest.hash.size()));
  payload->set_size(digest.size);
  payload->set_stored_size(stored.size());
  payload->set_zstd(pays);
  RETURN_IF_ERROR(objects_.Put(object.key(), stored));
  index_.Add(object, BucketIndex::By::kUs);
  writer_.Publish(std::move(object));
  if (pays && options_.on_packed) options_.on_packed(digest, compressed);
  return absl::OkStatus();
}

absl::StatusOr<std::vector<Digest>> BucketStore::FindMissing(absl::Span<const Digest> digests) {
  std::vector<Digest> missing;
  absl::flat_hash_set<Digest> seen;
  RETURN_IF_ERROR(Freshen(options_.refresh_ms));
  const auto is_here = [&](const Digest& digest) { return IsEmpty(digest) || Stays(digest) || writer_.Holds(digest); };
  for (const Digest& digest : digests) {
    if (!is_here(digest) && seen.insert(digest).second) missing.push_back(digest);
  }
  if (!missing.empty()) {
    RETURN_IF_ERROR(Freshen(options_.refresh_on_miss_ms));
    std::erase_if(missing, is_here);
  }
  PublishUses();
  return missing;
}

BucketStore::Statistics BucketStore::GetStatistics() {
  const PackWriter::Pending pending = writer_.GetPending();
  const BucketIndex::Usage usage = index_.GetUsage();
  return {usage.payloads,   usage.bytes,   usage.left_out, reader_.IsComplete(),
          pending.payloads, pending.bytes, corrupt_,       reader_.damaged()};
}

}  // namespace smelt
