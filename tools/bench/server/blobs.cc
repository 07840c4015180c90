#include "tools/bench/server/blobs.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <random>

#include "src/digest/hasher.h"

namespace smelt::bench {
namespace {

// How many of a hundred thousand blobs have 1 to 10 bytes, 11 to 100, ... 10 to 100 MB.
constexpr std::array<double, 8> kCounts = {23, 33611, 33498, 20473, 10036, 3265, 504, 62};

}  // namespace

Blob BlobOf(std::int64_t size, std::uint64_t seed) {
  std::mt19937_64 random(seed);
  Blob blob;
  blob.bytes.resize(static_cast<std::size_t>(size));
  for (std::size_t at = 0; at < blob.bytes.size(); at += sizeof(std::uint64_t)) {
    const std::uint64_t word = random();
    std::memcpy(blob.bytes.data() + at, &word, std::min(sizeof word, blob.bytes.size() - at));
  }
  blob.digest = DigestOf(std::string_view(blob.bytes));
  return blob;
}

std::vector<Blob> ProductionMix(int count, std::int64_t bytes_max, std::uint64_t seed) {
  std::mt19937_64 random(seed);
  std::discrete_distribution<int> decade(kCounts.begin(), kCounts.end());
  std::uniform_real_distribution<double> within(0, 1);
  std::vector<Blob> blobs;
  blobs.reserve(static_cast<std::size_t>(count));
  while (blobs.size() < static_cast<std::size_t>(count)) {
    const auto size = static_cast<std::int64_t>(std::pow(10, decade(random) + within(random)));
    // Below nine bytes two blobs could be the same.
    if (size < 9 || size > bytes_max) continue;
    blobs.push_back(BlobOf(size, random()));
  }
  return blobs;
}

}  // namespace smelt::bench
