#include "src/base/glob.h"

namespace smelt {
namespace {

std::optional<std::string> ExpandPiece(std::string_view piece, const Glob::Value& value) {
  std::string expanded;
  while (!piece.empty()) {
    const std::size_t open = piece.find('{');
    const std::size_t close = open == piece.npos ? piece.npos : piece.find('}', open);
    if (close == piece.npos) return expanded.append(piece);
    std::optional<std::string> text = value(piece.substr(open + 1, close - open - 1));
    if (!text || text->empty()) return std::nullopt;
    expanded.append(piece.substr(0, open)).append(*text);
    piece.remove_prefix(close + 1);
  }
  return expanded;
}

}  // namespace

Glob::Glob(std::string_view pattern) {
  for (std::size_t star; (star = pattern.find('*')) != pattern.npos; pattern.remove_prefix(star + 1)) {
    pieces_.emplace_back(pattern.substr(0, star));
  }
  pieces_.emplace_back(pattern);
}

bool Glob::Matches(std::string_view text) const {
  if (pieces_.size() == 1) return text == pieces_[0];
  if (!text.starts_with(pieces_.front())) return false;
  text.remove_prefix(pieces_.front().size());
  if (!text.ends_with(pieces_.back())) return false;
  text.remove_suffix(pieces_.back().size());
  for (std::size_t i = 1; i + 1 < pieces_.size(); ++i) {
    const std::size_t at = text.find(pieces_[i]);
    if (at == text.npos) return false;
    text.remove_prefix(at + pieces_[i].size());
  }
  return true;
}

std::optional<Glob> Glob::Expand(const Value& value) const {
  Glob expanded = *this;
  for (std::string& piece : expanded.pieces_) {
    std::optional<std::string> text = ExpandPiece(piece, value);
    if (!text) return std::nullopt;
    piece = *std::move(text);
  }
  return expanded;
}

}  // namespace smelt
