#include "src/action/closure.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

namespace smelt {
namespace {

using ::testing::ElementsAre;

Shape ShapeOf(const std::string& file) {
  Shape shape;
  shape.add_files(file);
  return shape;
}

std::string FilesOf(const Manifest& manifest) {
  std::string files;
  for (const Shape& shape : manifest.shapes()) files += shape.files(0);
  return files;
}

TEST(Promote, PutsANewShapeFirst) {
  Manifest manifest;
  EXPECT_TRUE(Promote(manifest, ShapeOf("a")));
  EXPECT_TRUE(Promote(manifest, ShapeOf("b")));
  EXPECT_EQ(FilesOf(manifest), "ba");
}

TEST(Promote, MovesAnEqualShapeAndKeepsTheOthersInOrder) {
  Manifest manifest;
  for (const char* file : {"a", "b", "c"}) Promote(manifest, ShapeOf(file));
  EXPECT_TRUE(Promote(manifest, ShapeOf("a")));
  EXPECT_EQ(FilesOf(manifest), "acb");
}

TEST(Promote, ChangesNothingIfTheShapeIsFirst) {
  Manifest manifest;
  Promote(manifest, ShapeOf("a"));
  EXPECT_FALSE(Promote(manifest, ShapeOf("a")));
  EXPECT_EQ(FilesOf(manifest), "a");
}

TEST(Promote, DropsTheOldestBeyondTheLimit) {
  Manifest manifest;
  for (int i = 0; i < kShapesMax + 3; ++i) Promote(manifest, ShapeOf(std::string(1, static_cast<char>('a' + i))));
  ASSERT_EQ(manifest.shapes_size(), kShapesMax);
  EXPECT_EQ(FilesOf(manifest), "kjihgfed");
}

TEST(Promote, AnEmptyShapeIsAShapeToo) {
  Manifest manifest;
  EXPECT_TRUE(Promote(manifest, Shape()));
  EXPECT_FALSE(Promote(manifest, Shape()));
  EXPECT_TRUE(Promote(manifest, ShapeOf("a")));
  EXPECT_EQ(manifest.shapes_size(), 2);
}

TEST(Normalize, SortsEveryListAndDropsRepetitions) {
  Shape shape;
  for (const char* name : {"b", "a", "b"}) {
    shape.add_files(name);
    shape.add_absent(name);
    shape.add_listings(name);
    shape.add_variables(name);
    shape.add_path_variables(name);
    shape.add_existing(name);
    shape.add_plain_directories(name);
    Shape::Tool& tool = *shape.add_tools();
    tool.set_name(name);
    tool.set_path(std::string("/bin/") + name);
  }
  Normalize(shape);
  EXPECT_THAT(shape.files(), ElementsAre("a", "b"));
  EXPECT_THAT(shape.absent(), ElementsAre("a", "b"));
  EXPECT_THAT(shape.listings(), ElementsAre("a", "b"));
  EXPECT_THAT(shape.variables(), ElementsAre("a", "b"));
  EXPECT_THAT(shape.path_variables(), ElementsAre("a", "b"));
  EXPECT_THAT(shape.existing(), ElementsAre("a", "b"));
  EXPECT_THAT(shape.plain_directories(), ElementsAre("a", "b"));
  ASSERT_EQ(shape.tools_size(), 2);
  EXPECT_EQ(shape.tools(0).name() + shape.tools(0).path(), "a/bin/a");
}

TEST(Normalize, GivesTheSameBytesWhateverTheOrder) {
  Shape one = ShapeOf("a"), other = ShapeOf("b");
  one.add_files("b");
  other.add_files("a");
  other.add_files("a");
  Normalize(one);
  Normalize(other);
  EXPECT_EQ(one.SerializeAsString(), other.SerializeAsString());
}

}  // namespace
}  // namespace smelt
