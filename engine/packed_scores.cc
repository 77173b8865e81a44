// Tested by tests/engine/sorted_set_test.cc.
#include "engine/packed_scores.h"

#include <algorithm>
#include <vector>

#include "engine/codec.h"
#include "engine/score.h"

namespace hearth {

bool PackedScoreReader::Next(ScoredMember* element) {
  if (rest_.empty()) return false;
  std::string_view rest = rest_;
  uint64_t size;
  ok_ = ReadVarint(&rest, &size) && size <= rest.size();
  if (ok_) {
    element->member = rest.substr(0, size);
    rest.remove_prefix(size);
    ok_ = ReadScore(&rest, &element->score);
  }
  if (ok_) rest_ = rest;
  return ok_;
}

void AppendPackedScore(std::string* to, const ScoredMember& element) {
  AppendVarint(to, element.member.size());
  to->append(element.member);
  AppendScore(to, element.score);
}

std::optional<PackedScorePlace> FindPackedScore(std::string_view packed, std::string_view member) {
  PackedScoreReader reader(packed);
  ScoredMember element;
  size_t offset = 0;
  for (size_t rank = 0; reader.Next(&element); ++rank) {
    if (element.member == member) {
      return PackedScorePlace{offset, reader.offset() - offset, rank, element.score};
    }
    offset = reader.offset();
  }
  return std::nullopt;
}

size_t PackedScoreInsertOffset(std::string_view packed, const ScoredMember& wanted) {
  PackedScoreReader reader(packed);
  ScoredMember element;
  size_t offset = 0;
  while (reader.Next(&element) && IsBefore(element, wanted)) offset = reader.offset();
  return offset;
}

size_t CountPackedScores(std::string_view packed) {
  PackedScoreReader reader(packed);
  ScoredMember element;
  size_t count = 0;
  while (reader.Next(&element)) ++count;
  return count;
}

size_t CountPackedScoresBefore(std::string_view packed, const SortedSetCut& cut) {
  PackedScoreReader reader(packed);
  ScoredMember element;
  size_t count = 0;
  while (reader.Next(&element) && cut.IsBehind(element)) ++count;
  return count;
}

size_t PackedScoreOffset(std::string_view packed, size_t rank) {
  PackedScoreReader reader(packed);
  ScoredMember element;
  while (rank > 0 && reader.Next(&element)) --rank;
  return reader.offset();
}

void VisitPackedScores(std::string_view packed, size_t rank, size_t count, bool reverse,
                       const ScoreVisitor& visit) {
  ScoredMember element;
  if (!reverse) {
    PackedScoreReader reader(packed.substr(PackedScoreOffset(packed, rank)));
    for (; count > 0 && reader.Next(&element); --count) visit(element);
    return;
  }
  std::vector<ScoredMember> elements;
  PackedScoreReader reader(packed);
  while (elements.size() <= rank && reader.Next(&element)) elements.push_back(element);
  count = std::min(count, elements.size());
  for (size_t i = 0; i < count; ++i) visit(elements[elements.size() - 1 - i]);
}

}  // namespace hearth
