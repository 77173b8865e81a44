#pragma once

// PackedScores: a small sorted set in one piece of memory.
//
//   packed = { member-size:varint member score }, sorted by (score, member); score: see score.h
//
// It is the head row's value of a packed sorted set, and the form in memory of a spread one that
// is still small.
//
// Thread: any; pure functions. All walk the bytes from the beginning: for small ones only.
// Errors: damaged bytes end every walk early.

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace hearth {

struct ScoredMember {
  std::string_view member;
  double score;
};

// The order of a sorted set.
inline bool IsBefore(const ScoredMember& a, const ScoredMember& b) {
  return a.score < b.score || (a.score == b.score && a.member < b.member);
}

// A place between elements, or before or behind all: what range arguments mean.
struct SortedSetCut {
  enum class Kind : uint8_t { kStart, kEnd, kScore, kMember };

  Kind kind = Kind::kStart;
  bool behind = false;  // behind the elements that equal the score or member, else before them
  double score = 0;
  std::string_view member = {};

  // Whether the element stands before the cut. A cut by member makes sense only where all scores
  // are equal.
  bool IsBehind(const ScoredMember& element) const {
    switch (kind) {
      case Kind::kStart:
        return false;
      case Kind::kEnd:
        return true;
      case Kind::kScore:
        return element.score < score || (behind && element.score == score);
      case Kind::kMember:
        return element.member < member || (behind && element.member == member);
    }
    return false;
  }
};

using ScoreVisitor = std::function<void(const ScoredMember& element)>;

// Walks packed elements.
class PackedScoreReader {
 public:
  explicit PackedScoreReader(std::string_view packed) : begin_(packed.data()), rest_(packed) {}

  // False at the end and when the bytes are damaged.
  bool Next(ScoredMember* element);
  // Where the next element begins, in bytes.
  size_t offset() const { return static_cast<size_t>(rest_.data() - begin_); }
  bool ok() const { return ok_; }

 private:
  const char* begin_;
  std::string_view rest_;
  bool ok_ = true;
};

void AppendPackedScore(std::string* to, const ScoredMember& element);

struct PackedScorePlace {
  size_t offset;
  size_t size;
  size_t rank;
  double score;
};
std::optional<PackedScorePlace> FindPackedScore(std::string_view packed, std::string_view member);
// Where an element is to be put in: an offset in bytes.
size_t PackedScoreInsertOffset(std::string_view packed, const ScoredMember& element);
size_t CountPackedScores(std::string_view packed);
size_t CountPackedScoresBefore(std::string_view packed, const SortedSetCut& cut);
// Where the element of a rank begins; the end for ranks beyond.
size_t PackedScoreOffset(std::string_view packed, size_t rank);
// Visits count elements from the rank on, upwards or downwards.
void VisitPackedScores(std::string_view packed, size_t rank, size_t count, bool reverse,
                       const ScoreVisitor& visit);

// Puts the element in, or in the place of the former one of its member (found, may be null), with
// splice(offset, remove_size, insert). Returns after one or two calls of it.
template <typename Splice>
void SplicePackedScore(std::string_view packed, const PackedScorePlace* found,
                       const ScoredMember& element, Splice splice) {
  std::string item;
  item.reserve(element.member.size() + 16);
  AppendPackedScore(&item, element);
  const size_t to = PackedScoreInsertOffset(packed, element);
  if (found == nullptr) return splice(to, 0, item);
  // Between its neighbours as before: PackedScoreInsertOffset saw the former one too.
  if (to == found->offset || to == found->offset + found->size) {
    return splice(found->offset, found->size, item);
  }
  splice(found->offset, found->size, std::string_view());
  splice(to > found->offset ? to - found->size : to, 0, item);
}

}  // namespace hearth
