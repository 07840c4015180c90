#ifndef SMELT_STORE_LOCAL_SPREAD_DIRECTORIES_H_
#define SMELT_STORE_LOCAL_SPREAD_DIRECTORIES_H_

#include <string>

namespace smelt {

// Asks the file system to put the directories that will be made in `path` far from each other; does nothing where it
// does not know how.
//
// Why: ext4 gives a new file an inode of its directory's block group, and passes over every inode there that was freed
// in the last minutes, one by one. After `cargo clean` (or `rm -rf` of a target directory) that makes each new file in
// such a group cost 0.2 to 0.8 ms of system time instead of 0.02 (measured on Linux 6.18). Files that are made in
// directories spread over many groups and renamed to where they belong do not pay that. By default ext4 puts a
// directory into the group of its parent; the children of one with the "top of a hierarchy" flag (chattr +T) it
// spreads.
void SpreadChildren(const std::string& path);

}  // namespace smelt

#endif  // SMELT_STORE_LOCAL_SPREAD_DIRECTORIES_H_
