#include "src/services/zstd/forms_index.h"

#include <algorithm>
#include <charconv>
#include <utility>

#include "fmt/format.h"
#include "src/digest/hasher.h"

namespace smelt {
namespace {

absl::Status NoIndex() { return absl::DataLossError("not an index of compressed forms"); }

bool IsFileName(std::string_view name) {
  return !name.empty() && std::all_of(name.begin(), name.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-';
  });
}

std::vector<std::string_view> Words(std::string_view line) {
  std::vector<std::string_view> words;
  for (std::size_t end = line.find(' '); end != line.npos; end = line.find(' ')) {
    words.push_back(line.substr(0, end));
    line.remove_prefix(end + 1);
  }
  words.push_back(line);
  return words;
}

absl::StatusOr<FormRow> ParseRow(std::string_view line) {
  const std::vector<std::string_view> words = Words(line);
  if (words.size() != 4 || !IsFileName(words[0])) return NoIndex();
  const auto blob = Digest::Parse(words[1]), form = Digest::Parse(words[3]);
  FormRow row;
  const char* end = words[2].data() + words[2].size();
  const auto [at, error] = std::from_chars(words[2].data(), end, row.begin);
  if (!blob.ok() || !form.ok() || error != std::errc() || at != end || row.begin < 0) return NoIndex();
  row.file = words[0];
  row.blob = *blob;
  row.form = *form;
  return row;
}

}  // namespace

std::string SerializeFormRows(const std::vector<FormRow>& rows) {
  std::string lines;
  for (const FormRow& row : rows) {
    lines += fmt::format("{} {} {} {}\n", row.file, row.blob.ToString(), row.begin, row.form.ToString());
  }
  return lines + DigestOf(lines).ToString() + "\n";
}

absl::StatusOr<std::vector<FormRow>> ParseFormRows(std::string_view text) {
  if (text.empty() || text.back() != '\n') return NoIndex();
  text.remove_suffix(1);
  const std::size_t last = text.rfind('\n') + 1;  // 0 if there is no other line
  std::string_view lines = text.substr(0, last);
  if (text.substr(last) != DigestOf(lines).ToString()) return NoIndex();
  std::vector<FormRow> rows;
  while (!lines.empty()) {
    const std::size_t end = lines.find('\n');
    absl::StatusOr<FormRow> row = ParseRow(lines.substr(0, end));
    if (!row.ok()) return row.status();
    rows.push_back(*std::move(row));
    lines.remove_prefix(end + 1);
  }
  return rows;
}

}  // namespace smelt
