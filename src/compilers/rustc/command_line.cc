#include "src/compilers/rustc/command_line.h"

#include <algorithm>
#include <cstddef>
#include <optional>
#include <string_view>
#include <utility>

#include "src/compilers/rustc/option_table.h"

namespace smelt::rustc {
namespace {

std::string Dashed(std::string_view name) {
  std::string dashed(name);
  std::replace(dashed.begin(), dashed.end(), '_', '-');
  return dashed;
}

class Reader {
 public:
  explicit Reader(const std::vector<std::string>& arguments) : raw_(arguments) {}

  std::variant<std::vector<Argument>, Refusal> Read() {
    while (next_ < raw_.size()) ReadOne();
    if (question_) return Refusal::kNotACompile;
    if (refusal_.has_value()) return *refusal_;
    return std::move(arguments_);
  }

 private:
  void ReadOne() {
    first_ = next_;
    const std::string& text = raw_[next_++];
    if (text == "--") return Refuse(Refusal::kUnknownFlag);
    if (text.starts_with("--")) return ReadLong(text);
    if (text.size() > 1 && text[0] == '-') return ReadCluster(text);
    Add("", text, KeyUse::kPath);
  }

  void ReadLong(std::string_view text) {
    const std::size_t equals = text.find('=');
    const OptionRow* row = FindOption(text.substr(0, equals));
    if (row == nullptr) return Refuse(Refusal::kUnknownFlag);
    std::optional<std::string> value;
    if (equals != std::string_view::npos) value = std::string(text.substr(equals + 1));
    if (value.has_value() && !row->takes_value) return Refuse(Refusal::kMalformedFlag);
    AddOption(*row, std::move(value));
  }

  void ReadCluster(std::string_view text) {
    for (std::size_t i = 1; i < text.size(); ++i) {
      const OptionRow* row = FindOption(std::string("-") + text[i]);
      if (row == nullptr) return Refuse(Refusal::kUnknownFlag);
      if (!row->takes_value) {
        AddOption(*row, std::nullopt);
        continue;
      }
      // A value inside a cluster could not be taken out of the command line again.
      if (i > 1) return Refuse(Refusal::kUnknownFlag);
      std::optional<std::string> value;
      if (text.size() > 2) value = std::string(text.substr(2));
      return AddOption(*row, std::move(value));
    }
  }

  void AddOption(const OptionRow& row, std::optional<std::string> value) {
    if (row.takes_value && !value.has_value()) {
      if (next_ == raw_.size()) return Refuse(row.refusal.value_or(Refusal::kMalformedFlag));
      value = raw_[next_++];
    }
    if (row.refusal.has_value()) return Refuse(*row.refusal);
    if (row.name == "-C") return AddNamed("-C ", *value, FindCodegenOption, Refusal::kUnknownCodegenFlag);
    if (row.name == "-Z") return AddNamed("-Z ", *value, FindUnstableOption, Refusal::kUnstableFlag);
    if (row.name == "-W" && value == "help") return Refuse(Refusal::kNotACompile);
    Add(std::string(row.name), std::move(value), row.use);
  }

  void AddNamed(std::string_view prefix, std::string_view text, const OptionRow* (*find)(std::string_view),
                Refusal unknown) {
    const std::size_t equals = text.find('=');
    const std::string name = Dashed(text.substr(0, equals));
    const OptionRow* row = find(name);
    if (row == nullptr) return Refuse(unknown);
    if (row->refusal.has_value()) return Refuse(*row->refusal);
    std::optional<std::string> value;
    if (equals != std::string_view::npos) value = std::string(text.substr(equals + 1));
    Add(std::string(prefix) + name, std::move(value), row->use);
  }

  void Add(std::string flag, std::optional<std::string> value, KeyUse use) {
    arguments_.push_back({.flag = std::move(flag),
                          .value = std::move(value),
                          .use = use,
                          .first = static_cast<int>(first_),
                          .count = static_cast<int>(next_ - first_)});
  }

  void Refuse(Refusal refusal) {
    if (refusal == Refusal::kNotACompile) question_ = true;
    if (!refusal_.has_value()) refusal_ = refusal;
  }

  const std::vector<std::string>& raw_;
  std::size_t next_ = 0;
  std::size_t first_ = 0;  // where the argument being read starts
  std::vector<Argument> arguments_;
  std::optional<Refusal> refusal_;
  bool question_ = false;
};

}  // namespace

std::variant<std::vector<Argument>, Refusal> ReadCommandLine(const std::vector<std::string>& arguments) {
  return Reader(arguments).Read();
}

}  // namespace smelt::rustc
