// Tested by tests/engine/history_test.cc.
#include "engine/history.h"

#include <algorithm>
#include <random>

namespace hearth {

bool Lineage::Covers(std::string_view other, uint64_t seq) const {
  return std::ranges::any_of(ancestors, [&](const Ancestor& ancestor) {
    return ancestor.id == other && seq <= ancestor.last_seq;
  });
}

void Lineage::Add(const std::string& id, uint64_t shared_seq) {
  for (Ancestor& ancestor : ancestors) ancestor.last_seq = std::min(ancestor.last_seq, shared_seq);
  ancestors.push_back({id, shared_seq});
  std::erase_if(ancestors, [](const Ancestor& ancestor) { return ancestor.last_seq == 0; });
  if (ancestors.size() > kAncestorsMax) ancestors.erase(ancestors.begin());
}

uint64_t Lineage::LastInCommon(std::span<const Ancestor> own, std::span<const Ancestor> other) {
  uint64_t last = 0;
  for (const Ancestor& mine : own) {
    for (const Ancestor& theirs : other) {
      if (mine.id == theirs.id) last = std::max(last, std::min(mine.last_seq, theirs.last_seq));
    }
  }
  return last;
}

std::string NewReplicationId() {
  static constexpr char kDigits[] = "0123456789abcdef";
  std::random_device random;
  std::string id;
  for (int i = 0; i < 40; ++i) id.push_back(kDigits[random() & 15]);
  return id;
}

}  // namespace hearth
