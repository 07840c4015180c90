// What a bucket that is damaged, hostile or merely huge may cost its readers.

#include <memory>
#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "src/digest/hasher.h"
#include "src/store/memory/memory_object_store.h"
#include "src/store/s3/bucket_format.h"
#include "src/store/s3/bucket_store.h"
#include "src/testing/fake_clock.h"
#include "src/testing/status_matchers.h"

namespace smelt {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

class BucketBoundsTest : public testing::Test {
 protected:
  BucketStoreOptions Still() {
    BucketStoreOptions options;
    options.seal_after_ms = options.retry_ms = 3'600'000;
    options.refresh_on_miss_ms = 0;
    options.log = [this](const std::string& line) { lines_.push_back(line); };
    return options;
  }

  std::unique_ptr<BucketStore> Open(const BucketStoreOptions& options) {
    return std::make_unique<BucketStore>(options, objects_, clock_);
  }
  std::unique_ptr<BucketStore> Open() { return Open(Still()); }

  static void Put(BucketStore& store, const std::string& contents) {
    ASSERT_OK(store.Put(DigestOf(contents), Bytes(contents)));
    ASSERT_OK(store.Flush());
  }

  FakeClock clock_;
  MemoryObjectStore objects_{clock_};
  std::vector<std::string> lines_;
};

void Spoil(std::string& contents) { contents.back() ^= 1; }

TEST_F(BucketBoundsTest, ADamagedIndexIsNamedInTheLogOnce) {
  Put(*Open(), "a");
  const std::string key = objects_.Keys("v1/index/")[0];
  objects_.Change(key, Spoil);
  auto store = Open();
  for (int i = 0; i < 5; ++i) {
    EXPECT_THAT(store->Get(DigestOf("a")), StatusIs(absl::StatusCode::kNotFound));
    clock_.AdvanceSeconds(60);
  }
  EXPECT_THAT(lines_, ElementsAre(AllOf(HasSubstr("\"" + key + "\" is damaged"), HasSubstr("have its checksum"),
                                        HasSubstr("what no other index names is missing"))));
}

TEST_F(BucketBoundsTest, ADamagedPackOrBlobIsNamedInTheLog) {
  const std::string small = "a blob", large(2 << 20, 'a');
  auto writer = Open();
  Put(*writer, small);
  Put(*writer, large);
  for (const char* prefix : {"v1/packs/", "v1/blobs/"}) {
    const std::string key = objects_.Keys(prefix)[0];
    const std::string& contents = prefix == std::string("v1/packs/") ? small : large;
    objects_.Change(key, Spoil);
    auto store = Open();
    for (int i = 0; i < 3; ++i) EXPECT_FALSE(store->Get(DigestOf(contents)).ok());
    EXPECT_THAT(lines_, ElementsAre(AllOf(HasSubstr("\"" + key + "\" is damaged"),
                                          HasSubstr("blob " + DigestOf(contents).ToString() + " is missing until"))));
    lines_.clear();
  }
}

TEST_F(BucketBoundsTest, APackThatIsCutOrGoneIsNamedInTheLog) {
  Put(*Open(), "a");
  const std::string key = objects_.Keys("v1/packs/")[0];
  objects_.Change(key, [](std::string& contents) { contents.clear(); });
  EXPECT_FALSE(Open()->Get(DigestOf("a")).ok());
  ASSERT_OK(objects_.Delete({key}));
  EXPECT_FALSE(Open()->Get(DigestOf("a")).ok());
  EXPECT_THAT(lines_, ElementsAre(AllOf(HasSubstr(key), HasSubstr("shorter"), HasSubstr("all that it held is missing")),
                                  AllOf(HasSubstr(key), HasSubstr("no object"), HasSubstr("all that it held"))));
}

TEST_F(BucketBoundsTest, ManyDamagedObjectsAreFewLines) {
  for (int i = 0; i < 50; ++i) {
    ASSERT_OK(objects_.Put("v1/index/" + std::to_string(i) + "\nsmelt: all is well", Bytes(std::string("junk"))));
  }
  auto store = Open();
  EXPECT_THAT(store->FindMissing({DigestOf("a")}), IsOkAndHolds(SizeIs(1)));
  EXPECT_THAT(lines_, SizeIs(BucketLog::kLinesPerMinute));
  for (const std::string& line : lines_) EXPECT_EQ(line.find('\n'), std::string::npos) << line;
  clock_.AdvanceSeconds(3600);
  EXPECT_THAT(store->FindMissing({DigestOf("a")}), IsOkAndHolds(SizeIs(1)));
  EXPECT_THAT(lines_, testing::Contains(HasSubstr("30 more objects of the bucket were damaged")));
}

}  // namespace
}  // namespace smelt
