#ifndef SMELT_STORE_S3_OBJECT_STORE_CONTRACT_TEST_H_
#define SMELT_STORE_S3_OBJECT_STORE_CONTRACT_TEST_H_

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "src/store/s3/object_store.h"
#include "src/testing/status_matchers.h"

namespace smelt {

// What every ObjectStore keeps to. The test of an implementation includes this and says
//
//   INSTANTIATE_TEST_SUITE_P(MyObjectStore, ObjectStoreContractTest, testing::Values([] { return ...; }));
//
// with a function that makes an empty one, or null where it cannot be had.
using MakeObjectStore = std::function<std::shared_ptr<ObjectStore>()>;

class ObjectStoreContractTest : public testing::TestWithParam<MakeObjectStore> {
 protected:
  void SetUp() override {
    if (store_ == nullptr) GTEST_SKIP() << "not installed";
  }

  std::vector<std::string> KeysOf(const std::string& prefix, const std::string& after) {
    std::vector<std::string> keys;
    const auto listed = store_->List(prefix, after);
    EXPECT_OK(listed);
    if (listed.ok()) {
      for (const ObjectStore::Listed& object : *listed) keys.push_back(object.key);
    }
    return keys;
  }

  std::string Read(const std::string& key, std::int64_t offset = 0, std::int64_t length = -1) {
    const auto bytes = store_->Get(key, offset, length);
    EXPECT_OK(bytes);
    return bytes.ok() ? *bytes->ReadAll() : "(error)";
  }

  std::shared_ptr<ObjectStore> store_ = GetParam()();
};

TEST_P(ObjectStoreContractTest, AnAbsentObjectIsNotFound) {
  EXPECT_THAT(store_->Get("absent", 0, -1), StatusIs(absl::StatusCode::kNotFound));
  EXPECT_THAT(store_->Get("absent", 5, 3), StatusIs(absl::StatusCode::kNotFound));
}

TEST_P(ObjectStoreContractTest, GetsWhatWasPutAndPartsOfIt) {
  ASSERT_OK(store_->Put("a/b", Bytes("0123456789")));
  EXPECT_EQ(Read("a/b"), "0123456789");
  EXPECT_EQ(Read("a/b", 0, 4), "0123");
  EXPECT_EQ(Read("a/b", 3, 4), "3456");
  EXPECT_EQ(Read("a/b", 7, -1), "789");
  EXPECT_EQ(Read("a/b", 8, 100), "89");
  EXPECT_EQ(Read("a/b", 10, 1), "");
  EXPECT_EQ(Read("a/b", 0, 0), "");
}

TEST_P(ObjectStoreContractTest, HandsOnAllOfAnObject) {
  std::string arrived;
  int beginnings = 0;
  const BodySink sink = {.begin =
                             [&] {
                               arrived.clear();
                               ++beginnings;
                             },
                         .add =
                             [&](std::string_view piece) {
                               arrived += piece;
                               return absl::OkStatus();
                             }};
  EXPECT_THAT(store_->Read("absent", sink), StatusIs(absl::StatusCode::kNotFound));
  EXPECT_EQ(arrived, "");
  for (const std::size_t size : {std::size_t{1}, std::size_t{3'000'000}}) {
    const std::string contents(size, 'x');
    ASSERT_OK(store_->Put("object", Bytes(contents)));
    ASSERT_OK(store_->Read("object", sink));
    EXPECT_TRUE(arrived == contents) << arrived.size();
  }
  EXPECT_GE(beginnings, 2);
}

TEST_P(ObjectStoreContractTest, TheSinksErrorEndsIt) {
  ASSERT_OK(store_->Put("object", Bytes("contents")));
  int pieces = 0;
  const BodySink sink = {.begin = [] {},
                         .add =
                             [&](std::string_view) {
                               ++pieces;
                               return absl::DataLossError("not as it should be");
                             }};
  EXPECT_THAT(store_->Read("object", sink),
              StatusIs(absl::StatusCode::kDataLoss, testing::HasSubstr("not as it should be")));
  EXPECT_EQ(pieces, 1);
}

TEST_P(ObjectStoreContractTest, KeepsNothingAndAnyByte) {
  ASSERT_OK(store_->Put("empty", Bytes()));
  EXPECT_EQ(Read("empty"), "");
  std::string all;
  for (int i = 0; i < 256; ++i) all += static_cast<char>(i);
  ASSERT_OK(store_->Put("all", Bytes(all)));
  EXPECT_EQ(Read("all"), all);
}

TEST_P(ObjectStoreContractTest, ALaterObjectReplacesAnEarlierOne) {
  ASSERT_OK(store_->Put("a", Bytes("first")));
  ASSERT_OK(store_->Put("a", Bytes("2")));
  EXPECT_EQ(Read("a"), "2");
}

TEST_P(ObjectStoreContractTest, KeysMayHaveAnyPrintableCharacter) {
  const std::vector<std::string> keys = {"k/a b", "k/a&<b>", "k/a+b=c", "k/a_b-c.d~e", "k/a'b(c)*!", "k/\xc3\xa9@:,;$"};
  for (const std::string& key : keys) ASSERT_OK(store_->Put(key, Bytes(key)));
  for (const std::string& key : keys) EXPECT_EQ(Read(key), key);
  EXPECT_THAT(KeysOf("k/", ""), testing::UnorderedElementsAreArray(keys));
}

TEST_P(ObjectStoreContractTest, ListsWhatBeginsWithAPrefixAndComesAfter) {
  for (const char* key : {"p/3", "p/1", "p/2", "q/1", "p-1", "p0"}) ASSERT_OK(store_->Put(key, Bytes("x")));
  EXPECT_THAT(KeysOf("p/", ""), testing::ElementsAre("p/1", "p/2", "p/3"));
  EXPECT_THAT(KeysOf("p/", "p/1"), testing::ElementsAre("p/2", "p/3"));
  EXPECT_THAT(KeysOf("p/", "p/3"), testing::IsEmpty());
  EXPECT_THAT(KeysOf("none/", ""), testing::IsEmpty());
}

TEST_P(ObjectStoreContractTest, AListTellsSizeAndTime) {
  ASSERT_OK(store_->Put("t/x", Bytes("12345")));
  ASSERT_OK_AND_ASSIGN(const auto listed, store_->List("t/", ""));
  ASSERT_EQ(listed.size(), 1u);
  EXPECT_EQ(listed[0].size, 5);
  EXPECT_GT(listed[0].modified_seconds, 1'600'000'000);
}

TEST_P(ObjectStoreContractTest, DeletesManyAndWhatIsNotThere) {
  ASSERT_OK(store_->Put("d/1", Bytes("x")));
  ASSERT_OK(store_->Put("d/2 &<", Bytes("x")));
  ASSERT_OK(store_->Put("d/3", Bytes("x")));
  EXPECT_OK(store_->Delete({"d/1", "d/2 &<", "d/absent"}));
  EXPECT_THAT(KeysOf("d/", ""), testing::ElementsAre("d/3"));
  EXPECT_OK(store_->Delete({}));
}

TEST_P(ObjectStoreContractTest, LargeObjectsComeBackWhole) {
  std::string large((24 << 20) + 12345, '\0');
  for (std::size_t i = 0; i < large.size(); ++i) large[i] = static_cast<char>((i * 2654435761u) >> 13);
  ASSERT_OK(store_->Put("large", Bytes(large)));
  ASSERT_OK_AND_ASSIGN(const Bytes bytes, store_->Get("large", 0, -1));
  EXPECT_EQ(bytes.size(), static_cast<std::int64_t>(large.size()));
  EXPECT_TRUE(*bytes.ReadAll() == large);
  EXPECT_TRUE(Read("large", 16 << 20, 1 << 20) == large.substr(16 << 20, 1 << 20));
}

}  // namespace smelt

#endif  // SMELT_STORE_S3_OBJECT_STORE_CONTRACT_TEST_H_
