// Tested by tests/engine/sorted_set_test.cc.
#include "engine/score.h"

#include <cmath>
#include <cstring>
#include <limits>

namespace hearth {
namespace {

constexpr uint8_t kTagInt16 = 240;
constexpr uint8_t kTagInt32 = 241;
constexpr uint8_t kTagInt48 = 242;
constexpr uint8_t kTagInt56 = 243;
constexpr uint8_t kTagFloat = 244;
constexpr uint8_t kTagDouble = 245;
constexpr size_t kSizes[] = {2, 4, 6, 7, 4, 8};    // behind the tag, from kTagInt16 on
constexpr double kInt56End = 36028797018963968.0;  // 2^55

size_t Write(char* to, uint8_t tag, const void* bytes) {
  const size_t size = kSizes[tag - kTagInt16];
  to[0] = static_cast<char>(tag);
  std::memcpy(to + 1, bytes, size);
  return 1 + size;
}

bool FitsIn(int64_t value, int bits) {
  return value >= -(int64_t{1} << (bits - 1)) && value < int64_t{1} << (bits - 1);
}

size_t WriteInteger(char* to, int64_t value) {
  if (value >= 0 && value < kTagInt16) {
    to[0] = static_cast<char>(value);
    return 1;
  }
  const uint8_t tag = FitsIn(value, 16)   ? kTagInt16
                      : FitsIn(value, 32) ? kTagInt32
                      : FitsIn(value, 48) ? kTagInt48
                                          : kTagInt56;
  return Write(to, tag, &value);
}

}  // namespace

size_t WriteScore(char* to, double score) {
  if (score > -kInt56End && score < kInt56End) {
    const auto integer = static_cast<int64_t>(score);
    if (static_cast<double>(integer) == score && !(integer == 0 && std::signbit(score))) {
      return WriteInteger(to, integer);
    }
  }
  // A double beyond a float's range may not be converted to one.
  if (std::isinf(score) || std::fabs(score) <= double{std::numeric_limits<float>::max()}) {
    const auto narrow = static_cast<float>(score);
    if (double{narrow} == score) return Write(to, kTagFloat, &narrow);
  }
  return Write(to, kTagDouble, &score);
}

void AppendScore(std::string* to, double score) {
  char bytes[kScoreSizeMax];
  to->append(bytes, WriteScore(bytes, score));
}

bool ReadScore(std::string_view* from, double* score) {
  if (from->empty()) return false;
  const auto tag = static_cast<uint8_t>(from->front());
  from->remove_prefix(1);
  if (tag < kTagInt16) {
    *score = tag;
    return true;
  }
  if (tag > kTagDouble) return false;
  const size_t size = kSizes[tag - kTagInt16];
  if (from->size() < size) return false;
  if (tag == kTagDouble) {
    std::memcpy(score, from->data(), size);
  } else if (tag == kTagFloat) {
    float narrow;
    std::memcpy(&narrow, from->data(), size);
    *score = double{narrow};
  } else {
    uint64_t bits = 0;
    std::memcpy(&bits, from->data(), size);
    const int unused = 64 - 8 * static_cast<int>(size);
    *score = static_cast<double>(static_cast<int64_t>(bits << unused) >> unused);
  }
  from->remove_prefix(size);
  return !std::isnan(*score);
}

}  // namespace hearth
