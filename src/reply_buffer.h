#pragma once

// ReplyBuffer: the buffer that Redis would have for a client's replies, as CLIENT LIST shows it:
// its size (rbs) and the most that stood in it lately (rbp).
//
// Replies are gathered here in blocks that connections borrow while output waits, so that there is
// no such buffer. Its figures follow from what the turns wrote: it begins with
// kReplyBufferBytesMax, shrinks to what replies took when that is less than half, and doubles
// until they fit. What replies took is forgotten every kReplyPeakResetMs.
//
// Thread: its connection's worker; the rules any.

#include <atomic>
#include <cstddef>
#include <cstdint>

namespace hearth {

inline constexpr size_t kReplyBufferBytesMin = 1024;
inline constexpr size_t kReplyBufferBytesMax = 16 * 1024;
inline constexpr int64_t kReplyPeakResetMs = 5000;

// What DEBUG REPLYBUFFER sets.
struct ReplyBufferRules {
  std::atomic<int64_t> peak_reset_ms{kReplyPeakResetMs};  // negative: the peak is never reset
  std::atomic<bool> resizes{true};
};

class ReplyBuffer {
 public:
  // output_bytes: the most that waited to be sent since the last look.
  void Look(size_t output_bytes, uint64_t now_us, const ReplyBufferRules& rules);

  size_t size_bytes() const { return size_bytes_; }
  size_t peak_bytes() const { return peak_bytes_; }

 private:
  size_t size_bytes_ = kReplyBufferBytesMax;
  size_t peak_bytes_ = kReplyBufferBytesMax;
  uint64_t reset_us_ = 0;  // when the peak was reset
};

}  // namespace hearth
