#include "src/config/toml_table.h"

#include <algorithm>

#include "fmt/format.h"
#include "src/base/status_macros.h"
#include "src/config/config.h"
#include "src/config/toml_text.h"

namespace smelt::toml_table {
namespace {

std::string Names(const Keys& keys) {
  std::string names;
  for (const auto& [name, reader] : keys) names += (names.empty() ? "" : ", ") + name;
  return names;
}

// A size or a duration: a string, or a whole number of the base unit.
Reader WithUnit(std::int64_t& target, absl::StatusOr<std::int64_t> (*parse)(const std::string&)) {
  return [&target, parse](const Place& place, const toml::value& value) {
    if (!value.is_string() && !value.is_integer()) {
      return place.Error(value, "write a number with its unit in quotes, or a whole number");
    }
    const std::string text = value.is_string() ? value.as_string().str : std::to_string(value.as_integer());
    absl::StatusOr<std::int64_t> number = parse(text);
    if (!number.ok()) return place.Error(value, std::string(number.status().message()));
    target = *number;
    return absl::OkStatus();
  };
}

}  // namespace

absl::Status Place::Error(const toml::value& value, const std::string& message) const {
  return absl::InvalidArgumentError(
      fmt::format("{}:{}: {}{}{}", file, value.location().line(), path, path.empty() ? "" : ": ", message));
}

absl::StatusOr<toml::value> Parse(const std::string& text, const std::string& file) { return ParseToml(text, file); }

absl::Status ReadTable(const Place& place, const toml::value& value, const Keys& keys) {
  if (!value.is_table()) return place.Error(value, "is no table");
  for (const auto& [name, content] : value.as_table()) {
    const auto key =
        std::find_if(keys.begin(), keys.end(), [&name = name](const auto& known) { return known.first == name; });
    if (key == keys.end()) return place.Error(content, fmt::format("there is no '{}'; there is {}", name, Names(keys)));
    RETURN_IF_ERROR(key->second(place.Under(name), content));
  }
  return absl::OkStatus();
}

Reader Text(std::string& target) {
  return [&target](const Place& place, const toml::value& value) {
    if (!value.is_string() || value.as_string().str.empty()) return place.Error(value, "write a text in quotes");
    target = value.as_string().str;
    return absl::OkStatus();
  };
}

Reader FileName(std::string& target, NamedFile::Holds holds, std::vector<NamedFile>& files) {
  return [&target, holds, &files](const Place& place, const toml::value& value) {
    RETURN_IF_ERROR(Text(target)(place, value));
    const auto line = static_cast<unsigned>(value.location().line());
    files.push_back({holds, target, fmt::format("{}:{}: {}", place.file, line, place.path), line});
    return absl::OkStatus();
  };
}

Reader Number(std::int64_t& target, std::int64_t min, std::int64_t max) {
  return [&target, min, max](const Place& place, const toml::value& value) {
    if (!value.is_integer() || value.as_integer() < min || value.as_integer() > max) {
      return place.Error(value, fmt::format("write a whole number from {} to {}", min, max));
    }
    target = value.as_integer();
    return absl::OkStatus();
  };
}

Reader Share(double& target) {
  return [&target](const Place& place, const toml::value& value) {
    const double share = value.is_floating() ? value.as_floating() : value.is_integer() ? value.as_integer() : -1;
    if (!(share >= 0 && share <= 1)) return place.Error(value, "write a number from 0 to 1");
    target = share;
    return absl::OkStatus();
  };
}

Reader Flag(bool& target) {
  return [&target](const Place& place, const toml::value& value) {
    if (!value.is_boolean()) return place.Error(value, "write true or false");
    target = value.as_boolean();
    return absl::OkStatus();
  };
}

Reader Size(std::int64_t& target) { return WithUnit(target, ParseSize); }

Reader Duration(std::int64_t& target) { return WithUnit(target, ParseDuration); }

Reader Texts(std::vector<std::string>& target) {
  return [&target](const Place& place, const toml::value& value) {
    if (!value.is_array()) return place.Error(value, "write a list of texts: [\"...\", \"...\"]");
    target.clear();
    for (const toml::value& item : value.as_array()) {
      if (!item.is_string()) return place.Error(item, "write a list of texts: [\"...\", \"...\"]");
      target.push_back(item.as_string().str);
    }
    return absl::OkStatus();
  };
}

Reader TextMap(std::map<std::string, std::string>& target) {
  return [&target](const Place& place, const toml::value& value) {
    if (!value.is_table() || value.as_table().empty()) return place.Error(value, "write { name = \"text\", ... }");
    for (const auto& [name, item] : value.as_table()) {
      if (!item.is_string()) return place.Under(name).Error(item, "write a text in quotes");
      target[name] = item.as_string().str;
    }
    return absl::OkStatus();
  };
}

Reader Table(Keys keys) {
  return
      [keys = std::move(keys)](const Place& place, const toml::value& value) { return ReadTable(place, value, keys); };
}

Reader Tables(Reader read) {
  return [read = std::move(read)](const Place& place, const toml::value& value) {
    if (!value.is_array()) return place.Error(value, fmt::format("write [[{}]], once for each", place.path));
    for (const toml::value& item : value.as_array()) RETURN_IF_ERROR(read(place, item));
    return absl::OkStatus();
  };
}

}  // namespace smelt::toml_table
