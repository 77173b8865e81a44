// Tested by tests/src/reply_buffer_test.cc.
#include "src/reply_buffer.h"

#include <algorithm>

namespace hearth {
namespace {

constexpr size_t kStepBytes = 1024;  // about what the allocator's classes are apart

// The least that a shrunken buffer has for replies of this size: room for one byte more.
size_t SizeFor(size_t peak_bytes) {
  const size_t size = (peak_bytes + 1 + kStepBytes - 1) / kStepBytes * kStepBytes;
  return std::max(size, kReplyBufferBytesMin);
}

}  // namespace

void ReplyBuffer::Look(size_t output_bytes, uint64_t now_us, const ReplyBufferRules& rules) {
  peak_bytes_ = std::max(peak_bytes_, output_bytes);
  if (rules.resizes) {
    if (peak_bytes_ < size_bytes_ / 2) size_bytes_ = SizeFor(peak_bytes_);
    while (output_bytes >= size_bytes_ && size_bytes_ < kReplyBufferBytesMax) {
      size_bytes_ = std::min(2 * size_bytes_, kReplyBufferBytesMax);
    }
  }
  peak_bytes_ = std::min(peak_bytes_, size_bytes_);
  const int64_t reset_ms = rules.peak_reset_ms;
  if (reset_us_ == 0) reset_us_ = now_us;
  if (reset_ms < 0 || now_us - reset_us_ < static_cast<uint64_t>(reset_ms) * 1000) return;
  peak_bytes_ = 0;
  reset_us_ = now_us;
}

}  // namespace hearth
