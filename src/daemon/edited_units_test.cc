#include "src/daemon/edited_units.h"

#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "src/digest/hasher.h"
#include "src/testing/fake_clock.h"
#include "src/testing/faulty_file_system.h"
#include "src/testing/memory_table.h"
#include "src/testing/status_matchers.h"
#include "src/testing/temp_dir.h"

namespace smelt {
namespace {

class EditedUnitsTest : public testing::Test {
 protected:
  void Write(const std::string& name, const std::string& contents) {
    ASSERT_OK(files_.Remove(dir_ / name));
    ASSERT_OK(files_.WriteNewFile(dir_ / name, contents, 0644));
  }

  TempDir dir_;
  FaultyFileSystem files_;
  FakeClock clock_;
  MemoryTable digests_table_, table_;
  FileDigests digests_{files_, clock_, digests_table_};
  rustc::PathMap paths_{{{"workspace", dir_.path(), "/smelt/workspace", ""}}};
  EditedUnits units_{files_, digests_, table_};
};

TEST_F(EditedUnitsTest, AUnitThatNobodyKnowsIsNotEdited) { EXPECT_FALSE(units_.IsEdited("unit", paths_)); }

TEST_F(EditedUnitsTest, AnEditOfItsOwnSourcesCounts) {
  Write("a b.rs", "one");
  Write("m.rs", "m");
  Closure closure;
  closure.files = {{"/smelt/workspace/a b.rs", DigestOf("one")}, {"/smelt/workspace/m.rs", DigestOf("m")}};
  units_.Settled("unit", closure);
  EXPECT_FALSE(units_.IsEdited("unit", paths_));
  Write("m.rs", "M");
  EXPECT_TRUE(units_.IsEdited("unit", paths_));
  EXPECT_FALSE(units_.IsEdited("other unit", paths_));
  EXPECT_TRUE(EditedUnits(files_, digests_, table_).IsEdited("unit", paths_)) << "after a restart";
  Write("m.rs", "m");
  EXPECT_FALSE(units_.IsEdited("unit", paths_));
}

TEST_F(EditedUnitsTest, ASourceThatIsGoneIsAnEdit) {
  Closure closure;
  closure.files = {{"/smelt/workspace/gone.rs", DigestOf("x")}};
  units_.Settled("unit", closure);
  EXPECT_TRUE(units_.IsEdited("unit", paths_));
}

TEST_F(EditedUnitsTest, DependenciesAndOutputsOfBuildScriptsAreNobodysEdits) {
  Closure closure;
  closure.files = {{"/smelt/build/deps/libb.rmeta", DigestOf("b")},
                   {"/smelt/cargo/registry/x.rs", DigestOf("x")},
                   {"/usr/lib/crt1.o", DigestOf("c")}};
  units_.Settled("unit", closure);
  EXPECT_FALSE(units_.IsEdited("unit", paths_));
}

TEST_F(EditedUnitsTest, ABrokenRecordIsNoEditAndNoCrash) {
  Write("m.rs", "m");
  for (const std::string& record :
       {std::string("short"), std::string(64, 'a'), std::string(65, 'a'), std::string(200, '\n')}) {
    ASSERT_OK(table_.Put("unit\nunit", record));
    units_.IsEdited("unit", paths_);
  }
}

TEST_F(EditedUnitsTest, ARecordWithoutItsEndIsRead) {
  Write("m.rs", "m");
  ASSERT_OK(table_.Put("unit\nunit", DigestOf("m").Hex() + " /smelt/workspace/m.rs"));
  EXPECT_FALSE(units_.IsEdited("unit", paths_));
}

TEST_F(EditedUnitsTest, AnOutputIsPrivateUntilItIsReplaced) {
  Write("liba.rmeta", "incremental");
  EXPECT_FALSE(units_.IsPrivate(dir_ / "liba.rmeta"));
  units_.MarkPrivate(dir_ / "liba.rmeta");
  EXPECT_TRUE(units_.IsPrivate(dir_ / "liba.rmeta"));
  EXPECT_TRUE(EditedUnits(files_, digests_, table_).IsPrivate(dir_ / "liba.rmeta"));
  std::filesystem::create_hard_link(dir_ / "liba.rmeta", dir_ / "linked by cargo");
  EXPECT_TRUE(units_.IsPrivate(dir_ / "liba.rmeta"));
  Write("other", "a stored result, put in place by a hit");
  ASSERT_OK(files_.Rename(dir_ / "other", dir_ / "liba.rmeta"));
  EXPECT_FALSE(units_.IsPrivate(dir_ / "liba.rmeta"));
  ASSERT_OK(files_.Remove(dir_ / "liba.rmeta"));
  EXPECT_FALSE(units_.IsPrivate(dir_ / "liba.rmeta"));
}

}  // namespace
}  // namespace smelt
