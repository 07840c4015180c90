#include <gtest/gtest.h>

#include <string>

#include "src/base/status_macros.h"
#include "src/daemon/team/team_results.h"
#include "src/digest/hasher.h"
#include "src/reapi/digests.h"
#include "src/store/memory/memory_blob_store.h"
#include "src/testing/archive.h"
#include "src/testing/memory_table.h"
#include "src/testing/status_matchers.h"
#include "src/testing/temp_dir.h"

namespace smelt {
namespace {

using ActionResult = ActionCache::ActionResult;

class SplicedResultsTest : public testing::Test {
 protected:
  void AddFile(ActionResult& result, const std::string& path, const std::string& contents) {
    auto& file = *result.add_output_files();
    file.set_path(path);
    *file.mutable_digest() = reapi::ToProto(DigestOf(contents));
    ASSERT_OK(blobs_.Put(DigestOf(contents), Bytes(contents)));
  }

  ActionResult Library(const std::string& rlib, const std::string& rmeta) {
    ActionResult result;
    result.set_stderr_raw("a warning");
    AddFile(result, "target/debug/deps/a-1.d", "dep-info");
    AddFile(result, "target/debug/deps/liba-1.rlib", rlib);
    AddFile(result, "target/debug/deps/liba-1.rmeta", rmeta);
    return result;
  }

  // What a fetch makes of what the team has.
  std::string WholeFrom(const Splice& splice) {
    const auto rlib = blobs_.Get(splice.whole);
    const auto metadata = blobs_.Get(splice.metadata);
    const auto rest = RestOf(splice, *rlib, directory_.path());
    EXPECT_OK(rest);
    EXPECT_EQ(*DigestOf(*rest), splice.rest);
    return rest->ReadAll()->insert(static_cast<std::size_t>(splice.offset), *metadata->ReadAll());
  }

  TempDir directory_;
  MemoryTable table_;
  ProgramReferences references_{table_};
  MemoryBlobStore blobs_;
  const std::string rmeta_ = "rust" + std::string(5'000, 'm');
};

TEST_F(SplicedResultsTest, AnRlibTravelsWithoutItsMetadataAndComesBack) {
  for (const std::size_t objects : {std::size_t{0}, std::size_t{100}, std::size_t{6 << 20}}) {
    const std::string rlib =
        Archive({{"/", "symbols"}, {"lib.rmeta/", "ELF" + rmeta_ + "end"}, {"/0", std::string(objects, 'o')}});
    const ActionResult local = Library(rlib, rmeta_);
    const auto team = ToTeam(local, blobs_, references_, directory_.path());
    ASSERT_OK(team);
    ASSERT_EQ(team->splices.size(), 1u);
    const Splice& splice = team->splices[0];
    EXPECT_EQ(splice.offset, static_cast<std::int64_t>(rlib.find(rmeta_)));
    EXPECT_EQ(splice.rest.size, static_cast<std::int64_t>(rlib.size() - rmeta_.size()));
    EXPECT_EQ(team->result.output_files(1).path(), "target/debug/deps/liba-1.rlib.without-metadata");
    EXPECT_EQ(team->result.output_files(1).digest().hash(), splice.rest.Hex());
    EXPECT_EQ(WholeFrom(splice), rlib);

    const auto back = FromTeam(team->result, references_);
    ASSERT_OK(back);
    EXPECT_EQ(back->result.SerializeAsString(), local.SerializeAsString());
    ASSERT_EQ(back->splices.size(), 1u);
    EXPECT_EQ(back->splices[0].whole, splice.whole);
    EXPECT_EQ(back->splices[0].rest, splice.rest);
    EXPECT_EQ(back->splices[0].metadata, splice.metadata);
    EXPECT_EQ(back->splices[0].offset, splice.offset);
  }
}

TEST_F(SplicedResultsTest, WhatCannotBeTakenApartStaysWhole) {
  const std::string good = Archive({{"lib.rmeta/", rmeta_}});
  std::string changed = good;
  changed[2'000] = 'x';
  const struct {
    const char* what;
    ActionResult result;
  } cases[] = {
      {"no archive", Library("rlib" + rmeta_, rmeta_)},
      {"no metadata in it", Library(Archive({{"a.o/", rmeta_}}), rmeta_)},
      {"other metadata", Library(changed, rmeta_)},
      {"less of it", Library(Archive({{"lib.rmeta/", rmeta_.substr(1)}}), rmeta_)},
      {"too little to pay", Library(Archive({{"lib.rmeta/", "rust"}}), "rust")},
  };
  for (const auto& each : cases) {
    const auto team = ToTeam(each.result, blobs_, references_, directory_.path());
    ASSERT_OK(team);
    EXPECT_EQ(team->result.SerializeAsString(), each.result.SerializeAsString()) << each.what;
    EXPECT_TRUE(team->splices.empty()) << each.what;
  }
  ActionResult alone;
  AddFile(alone, "liba.rlib", good);
  const auto team = ToTeam(alone, blobs_, references_, directory_.path());
  ASSERT_OK(team);
  EXPECT_TRUE(team->splices.empty());
}

TEST_F(SplicedResultsTest, AnRlibThatHasLeftTheStoreIsAnError) {
  ActionResult result = Library(Archive({{"lib.rmeta/", rmeta_}}), rmeta_);
  *result.mutable_output_files(1)->mutable_digest() = reapi::ToProto(DigestOf("gone"));
  EXPECT_THAT(ToTeam(result, blobs_, references_, directory_.path()), StatusIs(absl::StatusCode::kNotFound));
}

TEST_F(SplicedResultsTest, AnRlibThatHasRottenHereDoesNotGoThere) {
  class Rotten : public MemoryBlobStore {
   public:
    absl::StatusOr<Bytes> Get(const Digest& digest) override {
      ASSIGN_OR_RETURN(const Bytes bytes, MemoryBlobStore::Get(digest));
      ASSIGN_OR_RETURN(std::string contents, bytes.ReadAll());
      if (contents.starts_with("!<arch>")) contents.back() ^= 1;
      return Bytes(std::move(contents));
    }
  } rotten;
  const std::string rlib = Archive({{"lib.rmeta/", rmeta_}, {"a.o/", "objects"}});
  for (const std::string& blob : {rlib, rmeta_, std::string("dep-info")}) {
    ASSERT_OK(rotten.Put(DigestOf(blob), Bytes(blob)));
  }
  EXPECT_THAT(ToTeam(Library(rlib, rmeta_), rotten, references_, directory_.path()),
              StatusIs(absl::StatusCode::kDataLoss));
}

TEST_F(SplicedResultsTest, PropertiesThatSayNothingSensibleAreRefused) {
  const auto team = ToTeam(Library(Archive({{"lib.rmeta/", rmeta_}}), rmeta_), blobs_, references_, directory_.path());
  ASSERT_OK(team);
  ASSERT_OK(FromTeam(team->result, references_));
  const struct {
    int property;
    const char* value;
  } cases[] = {{0, ""}, {0, "no digest"}, {1, ""}, {1, "-1"}, {1, "1x"}, {1, "999999"}, {2, ""}, {2, "0/0"}};
  for (const auto& each : cases) {
    ActionResult result = team->result;
    result.mutable_output_files(1)->mutable_node_properties()->mutable_properties(each.property)->set_value(each.value);
    EXPECT_THAT(FromTeam(result, references_), StatusIs(absl::StatusCode::kInvalidArgument))
        << each.property << " " << each.value;
  }
  ActionResult other = team->result;
  *other.mutable_output_files(1)->mutable_digest() = reapi::ToProto(DigestOf("of another size"));
  EXPECT_THAT(FromTeam(other, references_), StatusIs(absl::StatusCode::kInvalidArgument));
  ActionResult none = team->result;
  none.mutable_output_files(1)->clear_node_properties();
  EXPECT_THAT(FromTeam(none, references_), StatusIs(absl::StatusCode::kInvalidArgument));
}

}  // namespace
}  // namespace smelt
