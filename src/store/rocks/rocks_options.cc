#include "src/store/rocks/rocks_options.h"

#include <rocksdb/cache.h>
#include <rocksdb/env.h>
#include <rocksdb/filter_policy.h>
#include <rocksdb/memtablerep.h>
#include <rocksdb/options.h>
#include <rocksdb/slice_transform.h>
#include <rocksdb/table.h>
#include <rocksdb/utilities/table_properties_collectors.h>

#include <memory>
#include <vector>

#include "src/store/rocks/prepared_logs.h"

namespace smelt {
namespace {

constexpr std::size_t kBlockCacheBytes = 256 << 20;
constexpr std::size_t kMemtablesBytesMax = 256 << 20;  // of all families together
constexpr std::size_t kBytesMemtableBytes = 64 << 20;
constexpr std::size_t kBytesMemtableBuckets = 64 << 10;
constexpr std::size_t kRowsMemtableBytes = 16 << 20;
// What must be read again at the next start after a kill.
constexpr std::uint64_t kLogBytesMax = 256 << 20;
constexpr std::uint64_t kBlobFileBytes = 128 << 20;
constexpr int kOpenFilesMax = 1024;
// Of ten million blobs, the rows of one part of the index are about twice as much.
constexpr std::size_t kScanReadaheadBytes = 64 << 10;
// Deleted entries in a row of so many that make a table worth compacting.
constexpr std::size_t kDeletionsWindow = 4096, kDeletionsTrigger = 2048;

rocksdb::ColumnFamilyOptions RowsFamily(const std::shared_ptr<rocksdb::Cache>& cache) {
  rocksdb::BlockBasedTableOptions table;
  table.block_cache = cache;
  table.cache_index_and_filter_blocks = true;
  table.pin_l0_filter_and_index_blocks_in_cache = true;
  table.filter_policy.reset(rocksdb::NewBloomFilterPolicy(10));
  table.data_block_index_type = rocksdb::BlockBasedTableOptions::kDataBlockBinaryAndHash;
  table.format_version = 5;
  rocksdb::ColumnFamilyOptions options;
  options.table_factory.reset(rocksdb::NewBlockBasedTableFactory(table));
  options.table_properties_collector_factories.push_back(
      rocksdb::NewCompactOnDeletionCollectorFactory(kDeletionsWindow, kDeletionsTrigger));
  options.write_buffer_size = kRowsMemtableBytes;
  options.memtable_insert_with_hint_prefix_extractor.reset(rocksdb::NewFixedPrefixTransform(1));
  options.compression = rocksdb::kNoCompression;
  return options;
}

rocksdb::ColumnFamilyOptions BytesFamily(const std::shared_ptr<rocksdb::Cache>& cache) {
  rocksdb::ColumnFamilyOptions options = RowsFamily(cache);
  options.write_buffer_size = kBytesMemtableBytes;
  options.prefix_extractor.reset(rocksdb::NewNoopTransform());  // a whole key finds its bucket
  options.memtable_factory.reset(rocksdb::NewHashLinkListRepFactory(kBytesMemtableBuckets, 0, 4096, false));
  return options;
}

rocksdb::ColumnFamilyOptions BlobDbFamily(const std::shared_ptr<rocksdb::Cache>& cache) {
  rocksdb::ColumnFamilyOptions options = BytesFamily(cache);
  options.enable_blob_files = true;
  options.min_blob_size = 0;
  options.blob_file_size = kBlobFileBytes;
  options.enable_blob_garbage_collection = true;
  options.blob_garbage_collection_age_cutoff = 0.5;
  options.blob_garbage_collection_force_threshold = 0.5;
  return options;
}

rocksdb::DBOptions Options() {
  rocksdb::DBOptions options;
  options.max_background_jobs = 4;
  options.max_open_files = kOpenFilesMax;
  options.db_write_buffer_size = kMemtablesBytesMax;
  options.max_total_wal_size = kLogBytesMax;
  options.allow_concurrent_memtable_write = false;
  options.enable_pipelined_write = true;
  return options;
}

std::vector<rocksdb::ColumnFamilyDescriptor> Families() {
  const std::shared_ptr<rocksdb::Cache> cache = rocksdb::NewLRUCache(kBlockCacheBytes);
  return {{rocksdb::kDefaultColumnFamilyName, RowsFamily(cache)},
          {"blob_rows", RowsFamily(cache)},
          {"tree_blobs", BytesFamily(cache)},
          {"blob_db", BlobDbFamily(cache)},
          {"action_rows", RowsFamily(cache)},
          {"actions", BytesFamily(cache)},
          {"outbox", RowsFamily(cache)}};
}

}  // namespace

StoreDatabase::Setup RocksSetup() {
  return {.options = Options(),
          .families = Families(),
          .env = rocksdb::NewCompositeEnv(std::make_shared<PreparedLogFileSystem>(rocksdb::FileSystem::Default())),
          .scan_readahead_bytes = kScanReadaheadBytes,
          .consequence = ", and what is missing is uploaded again"};
}

}  // namespace smelt
