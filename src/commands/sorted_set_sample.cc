// Tested by tests/src/commands/sorted_set_sample_test.cc.
//
// Commands that show some members of a sorted set: by chance, or page by page.
#include <algorithm>
#include <charconv>
#include <string>
#include <unordered_set>
#include <vector>

#include "engine/random.h"
#include "src/commands/draw.h"
#include "src/commands/element_scan.h"
#include "src/commands/groups.h"
#include "src/commands/sorted_set.h"
#include "src/errors.h"
#include "src/numbers.h"

namespace hearth {
namespace {

// From this part of the members on, all of them are looked at to choose some.
constexpr size_t kChosenPerMember = 3;

// Different ranks below size, each choice of count equally likely. Requires: count <= size.
std::vector<size_t> ChooseRanks(size_t size, size_t count) {
  std::vector<size_t> ranks;
  ranks.reserve(count);
  if (count > size / kChosenPerMember) {
    for (size_t rank = 0; rank < size && count > 0; ++rank) {
      if (RandomBits() % (size - rank) >= count) continue;
      ranks.push_back(rank);
      --count;
    }
    return ranks;
  }
  std::unordered_set<size_t> chosen;
  while (ranks.size() < count) {
    const size_t rank = RandomBits() % size;
    if (chosen.insert(rank).second) ranks.push_back(rank);
  }
  return ranks;
}

// Answers members by their ranks; of a small set it walks over all of them just once.
class Sampler {
 public:
  Sampler(const SortedSetKey& set, ScoredReply* elements) : set_(set), elements_(*elements) {
    if (set.size() > kWalkedSizeMax) return;
    set.Visit(0, SIZE_MAX, false, [this](const ScoredMember& element) { all_.push_back(element); });
  }

  void Add(size_t rank) {
    if (!all_.empty()) return elements_.Add(all_[rank]);
    set_.Visit(rank, 1, false, [this](const ScoredMember& element) { elements_.Add(element); });
  }

 private:
  static constexpr size_t kWalkedSizeMax = 256;

  const SortedSetKey& set_;
  ScoredReply& elements_;
  std::vector<ScoredMember> all_;
};

// count members, of which some may be the same.
void ReplyAnyOf(const SortedSetKey& set, size_t count, bool with_scores, Reply& reply) {
  ScoredReply elements(reply, with_scores);
  elements.Begin(count);
  Sampler sampler(set, &elements);
  const size_t size = set.size();
  for (; count > 0 && !reply.muted(); --count) sampler.Add(RandomBits() % size);
}

void ReplyDifferentOf(const SortedSetKey& set, size_t count, bool with_scores, Reply& reply) {
  ScoredReply elements(reply, with_scores);
  const size_t size = set.size();
  count = std::min(count, size);
  elements.Begin(count);
  Sampler sampler(set, &elements);
  for (const size_t rank : ChooseRanks(size, count)) sampler.Add(rank);
}

// The count of ZRANDMEMBER; nullopt after an error reply.
std::optional<int64_t> ReadSampleCount(const Args& args, Reply& reply) {
  const auto count = ReadDrawCount(args[2], reply);
  if (!count) return std::nullopt;
  if (args.size() > 4 || (args.size() == 4 && !IsWord(args[3], "WITHSCORES"))) {
    reply.Error(kErrSyntax);
    return std::nullopt;
  }
  if (!MayDraw(*count, /*with_values=*/args.size() == 4, reply)) return std::nullopt;
  return count;
}

}  // namespace

// ZRANDMEMBER key [count [WITHSCORES]] -> a member by chance, or null; with a count, as many
// different ones; with a negative count, as many as that, of which some may be the same
void ZRandMember(const Args& args, Tx& tx, Reply& reply) {
  const bool has_count = args.size() > 2;
  const auto count = has_count ? ReadSampleCount(args, reply) : 1;
  const Object* object;
  if (!count || !FindSortedSet(args[1], tx, reply, &object)) return;
  if (object == nullptr) return has_count ? reply.Array(0) : reply.Null();
  const SortedSetKey set(tx, args[1], object);
  if (!has_count) {
    return set.Visit(RandomBits() % set.size(), 1, false,
                     [&](const ScoredMember& element) { reply.Bulk(element.member); });
  }
  const bool with_scores = args.size() == 4;
  if (*count < 0) return ReplyAnyOf(set, static_cast<size_t>(-*count), with_scores, reply);
  ReplyDifferentOf(set, static_cast<size_t>(*count), with_scores, reply);
}

// ZSCAN key cursor [MATCH pattern] [COUNT count] -> the next cursor, members and scores
void ZScan(const Args& args, Tx& tx, Reply& reply) {
  ElementScan scan;
  const Object* object;
  if (!ReadScanCursor(args[2], &scan, reply)) return;
  if (!FindSortedSet(args[1], tx, reply, &object)) return;
  if (object != nullptr && !ReadScanOptions(args, &scan, reply)) return;
  std::vector<ScoredMember> found;
  const SortedSetKey set(tx, args[1], object);
  const uint64_t next = set.Walk(scan.cursor, scan.count, [&](const ScoredMember& element) {
    if (scan.Accepts(element.member)) found.push_back(element);
  });
  reply.Array(2);
  reply.Bulk(std::to_string(next));
  reply.Array(found.size() * 2);
  char digits[kDoubleTextBytesMax];
  for (const ScoredMember& element : found) {
    reply.Bulk(element.member);
    reply.Bulk({digits, FormatDouble(element.score, digits)});
  }
}

}  // namespace hearth
