#ifndef SMELT_STORE_LOCAL_DATABASE_TABLE_H_
#define SMELT_STORE_LOCAL_DATABASE_TABLE_H_

#include <string>

#include "src/base/table.h"
#include "src/store/gate.h"
#include "src/store/local/database.h"

namespace smelt {

// One Table, in a column family that all of them share: keys are "<name>\0<key>". Each call is inside the gate, so that
// what ForEach calls must not use the store.
class DatabaseTable : public Table {
 public:
  DatabaseTable(Database& database, Gate& gate, std::string_view name);

  std::optional<std::string> Get(std::string_view key) override;
  absl::Status Put(std::string_view key, std::string_view value) override;
  absl::Status Delete(std::string_view key) override;
  void ForEach(const std::function<bool(std::string_view key, std::string_view value)>& visit) override;

 private:
  std::string FullKey(std::string_view key) const;

  Database& database_;
  Gate& gate_;
  const std::string prefix_;
};

}  // namespace smelt

#endif  // SMELT_STORE_LOCAL_DATABASE_TABLE_H_
