// Measures the server's store: where its borders should be, and what it costs as blobs grow. Prints JSON.
//
//   store_bench places <directory>          each size in each place: durable puts, reads
//   store_bench mix <directory>             the production size mix under several borders
//   store_bench fill <directory> <blobs>    only makes what `scale` then measures
//   store_bench scale <directory> <blobs>   index size, start-up time and lookups with so many blobs
//
// The directory should be on the disk that is to be measured; what is made in it is removed, after `fill` by `scale`.

#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "fmt/format.h"
#include "src/base/clock.h"
#include "src/base/file_system.h"
#include "src/digest/hasher.h"
#include "src/store/digest_key.h"
#include "src/store/rocks/rocks_database.h"
#include "src/store/rocks/rocks_store.h"
#include "src/store/rocks/row.h"

namespace smelt {
namespace {

using Seconds = std::chrono::duration<double>;
using SteadyClock = std::chrono::steady_clock;

constexpr int kWriters = 64;
constexpr int kReaders = 8;
constexpr double kRunSecondsMax = 3;
constexpr std::int64_t kRunBytesMax = 256 << 20;
constexpr std::int64_t kEverything = 1LL << 40;

[[noreturn]] void Fail(const std::string& why) {
  fmt::print(stderr, "error: {}\n", why);
  std::exit(1);
}

void Check(const absl::Status& status) {
  if (!status.ok()) Fail(status.ToString());
}

std::unique_ptr<RocksStore> OpenStore(const std::string& directory, std::int64_t lsm_bytes_max,
                                      std::int64_t blob_bytes_max) {
  auto opened = RocksStore::Open({.directory = directory,
                                  .limit_bytes = kEverything,
                                  .free_bytes_min = 0,
                                  .lsm_bytes_max = lsm_bytes_max,
                                  .blob_bytes_max = blob_bytes_max},
                                 FileSystem::System(), Clock::System());
  Check(opened.status());
  return *std::move(opened);
}

// Contents of which no two numbers have the same.
std::string ContentsOf(std::int64_t size, std::uint64_t number) {
  std::string contents(static_cast<std::size_t>(size), '\0');
  std::mt19937_64 random(number);
  for (std::size_t at = 0; at < contents.size(); at += 8) {
    const std::uint64_t word = random();
    std::copy_n(reinterpret_cast<const char*>(&word), std::min<std::size_t>(8, contents.size() - at), &contents[at]);
  }
  return contents;
}

// Calls `work(i)` for 0 <= i < count from so many threads, no longer than kRunSecondsMax.
struct Rate {
  std::int64_t count = 0;
  double seconds = 0;
  double PerSecond() const { return static_cast<double>(count) / seconds; }
};
Rate Run(int threads, std::int64_t count, const std::function<void(std::int64_t)>& work) {
  std::atomic<std::int64_t> next = 0, done = 0;
  std::vector<std::thread> running;
  const auto begun = SteadyClock::now();
  for (int i = 0; i < threads; ++i) {
    running.emplace_back([&] {
      for (std::int64_t at = next++; at < count; at = next++) {
        if (Seconds(SteadyClock::now() - begun).count() > kRunSecondsMax) return;
        work(at);
        ++done;
      }
    });
  }
  for (std::thread& thread : running) thread.join();
  return {.count = done, .seconds = Seconds(SteadyClock::now() - begun).count()};
}

struct Blob {
  Digest digest;
  std::string contents;
};

std::vector<Blob> MakeBlobs(const std::vector<std::int64_t>& sizes) {
  std::vector<Blob> blobs;
  for (std::size_t i = 0; i < sizes.size(); ++i) {
    std::string contents = ContentsOf(sizes[i], i + 1);
    blobs.push_back({.digest = DigestOf(contents), .contents = std::move(contents)});
  }
  return blobs;
}

std::int64_t DiskBytes(const std::string& directory) {
  std::int64_t bytes = 0;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(directory)) {
    if (entry.is_regular_file()) bytes += static_cast<std::int64_t>(entry.file_size());
  }
  return bytes;
}

struct Measured {
  Rate puts, gets;
  double disk_share = 0;  // bytes on disk for each byte stored, after a restart
};

Measured MeasureStore(const std::string& directory, std::int64_t lsm_bytes_max, std::int64_t blob_bytes_max,
                      const std::vector<Blob>& blobs) {
  Measured measured;
  auto store = OpenStore(directory, lsm_bytes_max, blob_bytes_max);
  measured.puts = Run(kWriters, static_cast<std::int64_t>(blobs.size()), [&](std::int64_t i) {
    const Blob& blob = blobs[static_cast<std::size_t>(i)];
    Check(store->blobs().Put(blob.digest, Bytes(blob.contents)));
  });
  std::int64_t bytes = store->GetUsage().bytes;
  // Started again, so that what is read is not what is still in memory tables; the kernel's cache stays.
  store.reset();
  measured.disk_share =
      static_cast<double>(DiskBytes(directory)) / static_cast<double>(std::max<std::int64_t>(1, bytes));
  store = OpenStore(directory, lsm_bytes_max, blob_bytes_max);
  const std::int64_t count = measured.puts.count;
  measured.gets = Run(kReaders, 20 * count, [&](std::int64_t i) {
    const Blob& blob = blobs[static_cast<std::size_t>(i * 7919 % count)];
    auto got = store->blobs().Get(blob.digest);
    Check(got.status());
    Check(got->ReadAll().status());
  });
  store.reset();
  std::filesystem::remove_all(directory);
  return measured;
}

std::string Json(const Measured& measured) {
  return fmt::format(R"("puts_per_second": {:.0f}, "gets_per_second": {:.0f}, "disk_share": {:.2f})",
                     measured.puts.PerSecond(), measured.gets.PerSecond(), measured.disk_share);
}

void MeasurePlaces(const std::string& directory) {
  struct Place {
    const char* name;
    std::int64_t lsm_bytes_max, blob_bytes_max;
  };
  constexpr Place kPlaces[] = {{"tree", kEverything, kEverything}, {"blobdb", 0, kEverything}, {"files", 0, 0}};
  const char* separator = "";
  fmt::print("[");
  for (std::int64_t size = 100; size <= 10'000'000;
       size = static_cast<std::int64_t>(std::lround(size * std::sqrt(10)))) {
    const std::int64_t count = std::clamp<std::int64_t>(kRunBytesMax / size, 50, 100'000);
    const std::vector<Blob> blobs = MakeBlobs(std::vector<std::int64_t>(static_cast<std::size_t>(count), size));
    for (const Place& place : kPlaces) {
      const Measured measured = MeasureStore(directory, place.lsm_bytes_max, place.blob_bytes_max, blobs);
      fmt::print("{}\n  {{\"size\": {}, \"place\": \"{}\", {}}}", separator, size, place.name, Json(measured));
      std::fflush(stdout);
      separator = ",";
    }
  }
  fmt::print("\n]\n");
}

// Sizes as a build cache in production has them: counts for 1 to 9 bytes, 10 to 99 bytes, and so on (of which the last,
// above 10 MB, is left out: one such blob is as much as all others of a run).
std::vector<std::int64_t> ProductionSizes(int count) {
  std::mt19937_64 random(1);
  std::discrete_distribution<int> decade({23, 33611, 33498, 20473, 10036, 3265, 504});
  std::uniform_real_distribution<double> within(0, 1);
  std::vector<std::int64_t> sizes;
  for (int i = 0; i < count; ++i) {
    const double exponent = decade(random) + within(random);
    sizes.push_back(static_cast<std::int64_t>(std::pow(10, exponent)));
  }
  return sizes;
}

void MeasureMix(const std::string& directory) {
  const std::vector<Blob> blobs = MakeBlobs(ProductionSizes(20'000));
  constexpr std::int64_t kBorders[][2] = {{1 << 10, 64 << 10},   {1 << 10, 256 << 10},       {1 << 10, 1 << 20},
                                          {4 << 10, 64 << 10},   {4 << 10, 256 << 10},       {4 << 10, 1 << 20},
                                          {16 << 10, 256 << 10}, {16 << 10, 1 << 20},        {64 << 10, 1 << 20},
                                          {256 << 10, 1 << 20},  {kEverything, kEverything}, {0, 0}};
  const char* separator = "";
  fmt::print("[");
  for (const auto& border : kBorders) {
    const Measured measured = MeasureStore(directory, border[0], border[1], blobs);
    fmt::print("{}\n  {{\"lsm_bytes_max\": {}, \"blob_bytes_max\": {}, {}}}", separator, border[0], border[1],
               Json(measured));
    std::fflush(stdout);
    separator = ",";
  }
  fmt::print("\n]\n");
}

std::int64_t ResidentBytes() {
  std::ifstream statm("/proc/self/statm");
  std::int64_t pages = 0, resident = 0;
  statm >> pages >> resident;
  return resident * ::sysconf(_SC_PAGESIZE);
}

constexpr std::int64_t kScaleBytes = 100;  // of each blob

std::string ScaleContents(std::int64_t number) {
  return ContentsOf(kScaleBytes, static_cast<std::uint64_t>(number) + 1);
}

// As Put does, but many in a batch and without waiting for the disk.
void Fill(const std::string& directory, std::int64_t blobs) {
  OpenStore(directory, kEverything, kEverything).reset();
  auto database = RocksDatabase::Open(directory + "/db", FileSystem::System(), Clock::System());
  Check(database.status());
  RocksDatabase::Batch batch(**database);
  const auto now = static_cast<std::uint32_t>(Clock::System().NowNanos() / 1'000'000'000);
  for (std::int64_t i = 0; i < blobs; ++i) {
    const std::string contents = ScaleContents(i);
    const std::string key = DigestKey(DigestOf(contents));
    batch.Put(RocksDatabase::Family::kBlobRows, key, Encode(Row{.used_until = now + 3600, .bytes = kScaleBytes}));
    batch.Put(RocksDatabase::Family::kTreeBlobs, key, contents);
    if (i % 1000 != 999 && i != blobs - 1) continue;
    Check((*database)->Write(batch, RocksDatabase::Durability::kProcess));
    batch = RocksDatabase::Batch(**database);
  }
  Check((*database)->FlushMemtables());
}

constexpr std::int64_t kAsked = 1000;  // in one request

// Of which every other one is absent.
std::vector<Digest> DigestsToAskFor(std::int64_t blobs) {
  std::vector<Digest> asked;
  std::mt19937_64 random(1);
  for (std::int64_t i = 0; i < 100 * kAsked; ++i) {
    const auto number = static_cast<std::int64_t>(random() % static_cast<std::uint64_t>(blobs));
    asked.push_back(DigestOf(ScaleContents(i % 2 == 0 ? number : blobs + i)));
  }
  return asked;
}

void Find(RocksStore& store, absl::Span<const Digest> asked) {
  const auto missing = store.blobs().FindMissing(asked);
  Check(missing.status());
  if (missing->size() != asked.size() / 2) Fail("a wrong answer");
}

// Seconds since it was begun to open the store.
struct Startup {
  double open = 0;      // calls are answered
  double get = 0;       // a first one was
  double find = 0;      // so was a first FindMissing of kAsked
  double complete = 0;  // the whole index is read
};

std::unique_ptr<RocksStore> Start(const std::string& directory, const std::vector<Digest>& asked, Startup& startup) {
  const auto begun = SteadyClock::now();
  const auto since = [&] { return Seconds(SteadyClock::now() - begun).count(); };
  auto store = OpenStore(directory, kEverything, kEverything);
  startup.open = since();
  Check(store->blobs().Get(asked.front()).status());
  startup.get = since();
  Find(*store, absl::MakeConstSpan(asked).first(kAsked));
  startup.find = since();
  Check(store->CatchUp());
  startup.complete = since();
  return store;
}

void MeasureScale(const std::string& directory, std::int64_t blobs) {
  if (!std::filesystem::exists(directory)) Fill(directory, blobs);
  const std::vector<Digest> asked = DigestsToAskFor(blobs);
  const std::int64_t resident_before = ResidentBytes();
  Startup startup;
  auto store = Start(directory, asked, startup);
  const std::int64_t resident = ResidentBytes() - resident_before;
  if (store->GetUsage().blobs != blobs) Fail("blobs are missing");
  const Rate finds = Run(2, 20'000, [&](std::int64_t i) {
    Find(*store, absl::MakeConstSpan(asked).subspan(static_cast<std::size_t>(i % 100 * kAsked), kAsked));
  });
  const Rate gets = Run(2, 1'000'000, [&](std::int64_t i) {
    Check(store->blobs().Get(asked[static_cast<std::size_t>(2 * i % (100 * kAsked))]).status());
  });
  store.reset();
  fmt::print(
      "{{\"blobs\": {}, \"resident_bytes\": {}, \"open_seconds\": {:.3f}, \"first_get_seconds\": {:.3f}, "
      "\"first_find_seconds\": {:.3f}, \"startup_seconds\": {:.3f}, \"finds_per_second\": {:.0f}, "
      "\"gets_per_second\": {:.0f}, \"disk_bytes\": {}}}\n",
      blobs, resident, startup.open, startup.get, startup.find, startup.complete, finds.PerSecond() * kAsked,
      gets.PerSecond(), DiskBytes(directory));
  std::filesystem::remove_all(directory);
}

int Main(int argc, char** argv) {
  const std::string mode = argc > 2 ? argv[1] : "";
  const std::string directory = mode.empty() ? "" : std::filesystem::absolute(argv[2]).string() + "/store-bench";
  if (mode == "places" && argc == 3) {
    MeasurePlaces(directory);
  } else if (mode == "mix" && argc == 3) {
    MeasureMix(directory);
  } else if (mode == "fill" && argc == 4) {
    Fill(directory, std::atoll(argv[3]));
  } else if (mode == "scale" && argc == 4) {
    MeasureScale(directory, std::atoll(argv[3]));
  } else {
    fmt::print(stderr, "usage: store_bench places|mix <directory>, store_bench fill|scale <directory> <blobs>\n");
    return 2;
  }
  return 0;
}

}  // namespace
}  // namespace smelt

int main(int argc, char** argv) { return smelt::Main(argc, argv); }
