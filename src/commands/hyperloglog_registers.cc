// Tested by tests/src/commands/hyperloglog_registers_test.cc.
#include "src/commands/hyperloglog_registers.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>

namespace hearth {
namespace {

constexpr uint32_t kIndexBits = 14;  // of the hash; the others give the rank
constexpr uint32_t kRankBits = 64 - kIndexBits;
constexpr uint32_t kRegisterBits = 6;
constexpr uint8_t kRegisterMax = (1 << kRegisterBits) - 1;
constexpr uint8_t kSparseRankMax = 32;
constexpr uint32_t kShortZerosMax = 64;  // registers that a run of one byte can cover
constexpr uint32_t kValueRunMax = 4;
constexpr size_t kEncodingOffset = 4;
constexpr char kDense = 0;
constexpr char kSparse = 1;
constexpr int kMergeStepsMax = 5;  // runs that are looked at for merging after a change
constexpr uint64_t kHashSeed = 0xadc83b19;

static_assert(std::endian::native == std::endian::little);

// MurmurHash64A, Austin Appleby (public domain).
uint64_t Murmur64A(std::string_view text, uint64_t seed) {
  constexpr uint64_t kMultiplier = 0xc6a4a7935bd1e995;
  constexpr int kShift = 47;
  uint64_t hash = seed ^ (text.size() * kMultiplier);
  const char* at = text.data();
  size_t left = text.size();
  for (; left >= sizeof(uint64_t); left -= sizeof(uint64_t), at += sizeof(uint64_t)) {
    uint64_t word;
    std::memcpy(&word, at, sizeof(word));
    word *= kMultiplier;
    word ^= word >> kShift;
    word *= kMultiplier;
    hash = (hash ^ word) * kMultiplier;
  }
  if (left > 0) {
    uint64_t word = 0;
    std::memcpy(&word, at, left);
    hash = (hash ^ word) * kMultiplier;
  }
  hash ^= hash >> kShift;
  hash *= kMultiplier;
  return hash ^ (hash >> kShift);
}

// -- Runs of the sparse encoding.
struct Run {
  uint8_t value;  // of its registers; 0 to 32
  uint8_t size;   // bytes
  uint32_t length;
};

// Requires: at < hll.size(). A long run of zeros whose second byte is missing is read as if that
// were 0, as Redis does; whoever replaces a run checks that it is whole.
Run RunAt(std::string_view hll, size_t at) {
  const auto byte = static_cast<uint8_t>(hll[at]);
  if (byte & 0x80) {
    return {static_cast<uint8_t>(((byte >> 2) & 0x1f) + 1), 1, (byte & 3u) + 1};
  }
  if ((byte & 0x40) == 0) return {0, 1, byte + 1u};
  const uint8_t low = at + 1 < hll.size() ? static_cast<uint8_t>(hll[at + 1]) : 0;
  return {0, 2, ((byte & 0x3fu) << 8 | low) + 1};
}

// Returns the size of what it wrote, in bytes. Requires: a length that one run can cover.
size_t WriteRun(uint8_t value, uint32_t length, char* to) {
  if (value > 0) {
    to[0] = static_cast<char>(0x80u | (value - 1u) << 2 | (length - 1));
    return 1;
  }
  if (length <= kShortZerosMax) {
    to[0] = static_cast<char>(length - 1);
    return 1;
  }
  to[0] = static_cast<char>(0x40u | (length - 1) >> 8);
  to[1] = static_cast<char>(length - 1);
  return 2;
}

// Calls visit(first register, run) for each run. False when they do not cover all registers;
// visit never sees a run that reaches beyond the last one.
template <typename Visit>
bool ForEachRun(std::string_view hll, Visit visit) {
  uint32_t first = 0;
  for (size_t at = kHllHeaderSize; at < hll.size();) {
    const Run run = RunAt(hll, at);
    if (run.length > kHllRegisterCount - first) return false;
    visit(first, run);
    first += run.length;
    at += run.size;
  }
  return first == kHllRegisterCount;
}

struct RunPlace {
  size_t at;
  size_t previous;  // where the run before it stands; its own place for the first
  uint32_t first;   // register
  Run run;
};

// The run that covers a register; false when none does.
bool FindRun(std::string_view hll, uint32_t index, RunPlace* place) {
  size_t previous = kHllHeaderSize;
  uint32_t first = 0;
  for (size_t at = kHllHeaderSize; at < hll.size();) {
    const Run run = RunAt(hll, at);
    if (index < first + run.length) {
      *place = {at, previous, first, run};
      return at + run.size <= hll.size();
    }
    previous = at;
    first += run.length;
    at += run.size;
  }
  return false;
}

// Merges neighbours of one value that fit one run, among the few runs from `at` on.
void MergeRuns(std::string* hll, size_t at) {
  for (int steps = 0; steps < kMergeStepsMax && at < hll->size(); ++steps) {
    const Run run = RunAt(*hll, at);
    if (run.value > 0 && at + 1 < hll->size()) {
      const Run next = RunAt(*hll, at + 1);
      if (next.value == run.value && run.length + next.length <= kValueRunMax) {
        WriteRun(run.value, run.length + next.length, hll->data() + at);
        hll->erase(at + 1, 1);
        continue;
      }
    }
    at += run.size;
  }
}

HllChange MarkDense(std::string* hll, HllMark mark) {
  if (DenseHllRegister(*hll, mark.index) >= mark.rank) return HllChange::kNone;
  SetDenseHllRegister(hll, 0, mark);
  return HllChange::kChanged;
}

HllChange MarkAsDense(std::string* hll, HllMark mark) {
  if (!MakeHllDense(hll)) return HllChange::kCorrupted;
  return MarkDense(hll, mark);
}

// Splits the run around the register, then merges what became equal. A register alone in its run
// is the same with nothing before and behind it.
HllChange MarkSparse(std::string* hll, HllMark mark, size_t size_max) {
  if (mark.rank > kSparseRankMax) return MarkAsDense(hll, mark);
  RunPlace place;
  if (!FindRun(*hll, mark.index, &place)) return HllChange::kCorrupted;
  if (place.run.value >= mark.rank) return HllChange::kNone;

  const uint32_t before = mark.index - place.first;
  const uint32_t behind = place.run.length - 1 - before;
  char runs[5];
  size_t size = 0;
  if (before > 0) size += WriteRun(place.run.value, before, runs + size);
  size += WriteRun(mark.rank, 1, runs + size);
  if (behind > 0) size += WriteRun(place.run.value, behind, runs + size);
  if (size > place.run.size && hll->size() + size - place.run.size > size_max) {
    return MarkAsDense(hll, mark);
  }
  hll->replace(place.at, place.run.size, runs, size);
  MergeRuns(hll, place.previous);
  return HllChange::kChanged;
}

// -- The estimate: O. Ertl, "New cardinality estimation algorithms for HyperLogLog sketches"
// (arXiv:1702.01284), algorithm 6 with its functions sigma and tau.
using Histogram = std::array<uint32_t, kRegisterMax + 1>;  // registers by value

double Sigma(double x) {
  if (x == 1.0) return INFINITY;
  double sum = x;
  double weight = 1.0;
  for (double last = -1.0; sum != last; weight += weight) {
    x *= x;
    last = sum;
    sum += x * weight;
  }
  return sum;
}

double Tau(double x) {
  if (x == 0.0 || x == 1.0) return 0.0;
  double sum = 1.0 - x;
  double weight = 1.0;
  for (double last = -1.0; sum != last;) {
    x = std::sqrt(x);
    last = sum;
    weight *= 0.5;
    sum -= (1.0 - x) * (1.0 - x) * weight;
  }
  return sum / 3.0;
}

uint64_t Estimate(const Histogram& histogram) {
  constexpr double kAlpha = 0.721347520444481703680;  // 1 / (2 ln 2)
  constexpr double kCount = kHllRegisterCount;
  double z = kCount * Tau((kCount - histogram[kRankBits + 1]) / kCount);
  for (uint32_t rank = kRankBits; rank >= 1; --rank) {
    z = (z + histogram[rank]) * 0.5;
  }
  z += kCount * Sigma(histogram[0] / kCount);
  const double count = kAlpha * kCount * kCount / z;
  // Only registers that no element sets lead beyond 2^63; Redis' conversion gives this then.
  if (!(count < 0x1p63)) return uint64_t{1} << 63;
  return static_cast<uint64_t>(std::llround(count));
}

// Calls visit(index, value) for every register of a dense string: four stand in three bytes.
template <typename Visit>
void ForEachDenseRegister(std::string_view hll, Visit visit) {
  const auto* at = reinterpret_cast<const uint8_t*>(hll.data()) + kHllHeaderSize;
  for (uint32_t index = 0; index < kHllRegisterCount; index += 4, at += 3) {
    const uint32_t four = at[0] | uint32_t{at[1]} << 8 | uint32_t{at[2]} << 16;
    for (uint32_t lane = 0; lane < 4; ++lane) {
      visit(index + lane, static_cast<uint8_t>((four >> (kRegisterBits * lane)) & kRegisterMax));
    }
  }
}

}  // namespace

HllMark HllMarkOf(std::string_view element) {
  const uint64_t hash = Murmur64A(element, kHashSeed);
  const uint64_t rest = hash >> kIndexBits | uint64_t{1} << kRankBits;
  return {static_cast<uint32_t>(hash % kHllRegisterCount),
          static_cast<uint8_t>(std::countr_zero(rest) + 1)};
}

bool IsHll(std::string_view text) {
  if (text.size() < kHllHeaderSize || !text.starts_with("HYLL")) return false;
  const char encoding = text[kEncodingOffset];
  return encoding == kSparse || (encoding == kDense && text.size() == kHllDenseSize);
}

bool IsDenseHll(std::string_view hll) {
  return hll[kEncodingOffset] == kDense;
}

std::string EmptyHll() {
  std::string hll("HYLL");
  hll.resize(kHllHeaderSize);
  hll[kEncodingOffset] = kSparse;
  char run[2];
  return hll.append(run, WriteRun(0, kHllRegisterCount, run));
}

std::optional<uint64_t> CachedHllCount(std::string_view hll) {
  uint64_t count;
  std::memcpy(&count, hll.data() + kHllCountOffset, sizeof(count));
  if (count >> 63) return std::nullopt;
  return count;
}

void StoreHllCount(std::string* hll, uint64_t count) {
  std::memcpy(hll->data() + kHllCountOffset, &count, sizeof(count));
}

void MarkHllCountOld(std::string* hll) {
  char& top = (*hll)[kHllCountOffset + kHllCountSize - 1];
  top = static_cast<char>(top | 0x80);
}

size_t DenseHllRegisterOffset(uint32_t index) {
  return kHllHeaderSize + index * kRegisterBits / 8;
}

uint8_t DenseHllRegister(std::string_view hll, uint32_t index) {
  const size_t at = DenseHllRegisterOffset(index);
  uint32_t two = static_cast<uint8_t>(hll[at]);
  if (at + 1 < hll.size()) two |= uint32_t{static_cast<uint8_t>(hll[at + 1])} << 8;
  return (two >> (index * kRegisterBits % 8)) & kRegisterMax;
}

void SetDenseHllRegister(std::string* bytes, size_t first, HllMark mark) {
  const size_t at = DenseHllRegisterOffset(mark.index) - first;
  const uint32_t shift = mark.index * kRegisterBits % 8;
  const auto set = [&](size_t byte, uint32_t mask, uint32_t value) {
    (*bytes)[byte] = static_cast<char>((static_cast<uint8_t>((*bytes)[byte]) & ~mask) | value);
  };
  set(at, uint32_t{kRegisterMax} << shift, uint32_t{mark.rank} << shift);
  if (shift + kRegisterBits > 8) {
    set(at + 1, uint32_t{kRegisterMax} >> (8 - shift), uint32_t{mark.rank} >> (8 - shift));
  }
}

HllChange MarkHll(std::string* hll, HllMark mark, size_t sparse_size_max) {
  return IsDenseHll(*hll) ? MarkDense(hll, mark) : MarkSparse(hll, mark, sparse_size_max);
}

bool MakeHllDense(std::string* hll) {
  if (IsDenseHll(*hll)) return true;
  std::string dense = hll->substr(0, kHllHeaderSize);
  dense[kEncodingOffset] = kDense;
  dense.resize(kHllDenseSize);
  const bool is_whole = ForEachRun(*hll, [&dense](uint32_t first, const Run& run) {
    if (run.value == 0) return;
    for (uint32_t index = first; index < first + run.length; ++index) {
      SetDenseHllRegister(&dense, 0, {index, run.value});
    }
  });
  if (is_whole) *hll = std::move(dense);
  return is_whole;
}

bool MergeHll(std::string_view hll, HllRegisters* registers) {
  const auto raise = [registers](uint32_t index, uint8_t value) {
    (*registers)[index] = std::max((*registers)[index], value);
  };
  if (IsDenseHll(hll)) {
    ForEachDenseRegister(hll, raise);
    return true;
  }
  return ForEachRun(hll, [&raise](uint32_t first, const Run& run) {
    if (run.value == 0) return;
    for (uint32_t index = first; index < first + run.length; ++index) raise(index, run.value);
  });
}

std::optional<uint64_t> CountHll(std::string_view hll) {
  Histogram histogram{};
  if (IsDenseHll(hll)) {
    ForEachDenseRegister(hll, [&histogram](uint32_t, uint8_t value) { ++histogram[value]; });
  } else if (!ForEachRun(hll, [&histogram](uint32_t, const Run& run) {
               histogram[run.value] += run.length;
             })) {
    return std::nullopt;
  }
  return Estimate(histogram);
}

uint64_t CountHllRegisters(const HllRegisters& registers) {
  Histogram histogram{};
  for (const uint8_t value : registers) ++histogram[value & kRegisterMax];
  return Estimate(histogram);
}

std::string DescribeSparseHll(std::string_view hll) {
  std::string text;
  for (size_t at = kHllHeaderSize; at < hll.size();) {
    const Run run = RunAt(hll, at);
    if (!text.empty()) text += ' ';
    if (run.value > 0) {
      text += "v:" + std::to_string(run.value) + ",";
    } else {
      text += run.size == 2 ? "Z:" : "z:";
    }
    text += std::to_string(run.length);
    at += run.size;
  }
  return text;
}

}  // namespace hearth
