#include "src/wire/message.h"

#include <type_traits>

namespace smelt::wire {
namespace {

using Strings = std::vector<std::string>;
using StringPairs = std::vector<std::pair<std::string, std::string>>;

// The tag of a message is its place in the variant, counted from 1; these three are fixed for ever (PeekBuildId).
template <std::size_t tag>
using Tagged = std::variant_alternative_t<tag - 1, Message>;
static_assert(std::is_same_v<Tagged<1>, Compile> && std::is_same_v<Tagged<2>, Command>);
static_assert(std::is_same_v<Tagged<9>, OtherVersion>);

// Writes fields one after the other: numbers little-endian in four bytes, strings and lists with their length before.
class Writer {
 public:
  explicit Writer(std::uint8_t tag) { bytes_.push_back(static_cast<char>(tag)); }

  void operator()(std::uint32_t value) {
    for (int shift = 0; shift < 32; shift += 8) bytes_.push_back(static_cast<char>(value >> shift));
  }
  void operator()(std::int32_t value) { (*this)(static_cast<std::uint32_t>(value)); }
  void operator()(bool value) { bytes_.push_back(value ? 1 : 0); }
  void operator()(const std::string& value) {
    (*this)(static_cast<std::uint32_t>(value.size()));
    bytes_ += value;
  }
  void operator()(const Strings& values) {
    (*this)(static_cast<std::uint32_t>(values.size()));
    for (const std::string& value : values) (*this)(value);
  }
  void operator()(const StringPairs& values) {
    (*this)(static_cast<std::uint32_t>(values.size()));
    for (const auto& [first, second] : values) {
      (*this)(first);
      (*this)(second);
    }
  }

  std::string Take() { return std::move(bytes_); }

 private:
  std::string bytes_;
};

// Reads what Writer writes. The first field that does not fit makes it, and all after it, fail.
class Reader {
 public:
  explicit Reader(std::string_view bytes) : bytes_(bytes) {}

  void operator()(std::uint32_t& value) {
    value = 0;
    std::string_view raw = Bytes(4);
    for (std::size_t i = 0; i < raw.size(); ++i) {
      value |= static_cast<std::uint32_t>(static_cast<unsigned char>(raw[i])) << (8 * i);
    }
  }
  void operator()(std::int32_t& value) {
    std::uint32_t raw;
    (*this)(raw);
    value = static_cast<std::int32_t>(raw);
  }
  void operator()(bool& value) {
    std::string_view raw = Bytes(1);
    value = !raw.empty() && raw[0] == 1;
    if (!raw.empty() && raw[0] != 0 && raw[0] != 1) failed_ = true;
  }
  void operator()(std::string& value) {
    std::uint32_t size;
    (*this)(size);
    value = Bytes(size);
  }
  void operator()(Strings& values) {
    std::uint32_t count;
    (*this)(count);
    while (!failed_ && count-- > 0) (*this)(values.emplace_back());
  }
  void operator()(StringPairs& values) {
    std::uint32_t count;
    (*this)(count);
    while (!failed_ && count-- > 0) {
      auto& [first, second] = values.emplace_back();
      (*this)(first);
      (*this)(second);
    }
  }

  bool Failed() const { return failed_; }
  bool AtEnd() const { return bytes_.empty(); }

 private:
  std::string_view Bytes(std::size_t size) {
    if (failed_ || size > bytes_.size()) {
      failed_ = true;
      return {};
    }
    std::string_view front = bytes_.substr(0, size);
    bytes_.remove_prefix(size);
    return front;
  }

  std::string_view bytes_;
  bool failed_ = false;
};

// The fields of every message in the order of the wire; `out` is a Writer or a Reader.
template <typename Out>
void Fields(Out& out, auto& message) {
  using M = std::remove_cvref_t<decltype(message)>;
  if constexpr (std::is_same_v<M, Compile>) {
    out(message.build_id), out(message.command), out(message.working_directory), out(message.environment);
    out(message.umask);
  } else if constexpr (std::is_same_v<M, Command>) {
    out(message.build_id), out(message.arguments), out(message.working_directory), out(message.environment);
    out(message.terminal);
  } else if constexpr (std::is_same_v<M, Ran>) {
    out(message.wait_status), out(message.standard_output), out(message.standard_error);
  } else if constexpr (std::is_same_v<M, Output>) {
    out(message.to_stderr), out(message.bytes);
  } else if constexpr (std::is_same_v<M, Exit>) {
    out(message.code);
  } else if constexpr (std::is_same_v<M, Run>) {
    out(message.command), out(message.environment), out(message.display);
  } else if constexpr (std::is_same_v<M, OtherVersion>) {
    out(message.build_id);
  } else {
    static_assert(std::is_same_v<M, Working> || std::is_same_v<M, Plain>);
  }
}

template <std::size_t index = 0>
std::optional<Message> DecodeAlternative(std::size_t wanted, Reader& reader) {
  if constexpr (index == std::variant_size_v<Message>) {
    return std::nullopt;
  } else {
    if (wanted != index) return DecodeAlternative<index + 1>(wanted, reader);
    std::variant_alternative_t<index, Message> message;
    Fields(reader, message);
    if (reader.Failed() || !reader.AtEnd()) return std::nullopt;
    return Message(std::move(message));
  }
}

}  // namespace

std::string Encode(const Message& message) {
  Writer writer(static_cast<std::uint8_t>(message.index() + 1));
  std::visit([&](const auto& alternative) { Fields(writer, alternative); }, message);
  return writer.Take();
}

std::optional<Message> Decode(std::string_view payload) {
  if (payload.empty()) return std::nullopt;
  Reader reader(payload.substr(1));
  return DecodeAlternative(static_cast<std::size_t>(static_cast<unsigned char>(payload[0])) - 1, reader);
}

std::optional<std::string> PeekBuildId(std::string_view payload) {
  if (payload.empty() || (payload[0] != 1 && payload[0] != 2)) return std::nullopt;
  Reader reader(payload.substr(1));
  std::string build_id;
  reader(build_id);
  if (reader.Failed()) return std::nullopt;
  return build_id;
}

}  // namespace smelt::wire
