#pragma once

// Frame: what follows the answer to PSYNC on a link between two servers of this kind, from the
// primary to the replica; and how it is read.
//
//   frame  = header payload
//   header = magic:u32le check:u32le type:u32le count:u32le first:u64le size:u64le checksum:u64le
//
// magic is kFrameMagic; check is the low half of the XXH3-64 of the 32 bytes behind it; checksum
// is the XXH3-64 of the payload, which has `size` bytes. What the other fields say depends on type:
//
//   kGroup      first: the group's first sequence, count: its sequences, payload: its batch
//   kHeartbeat  first: the primary's last sequence, payload: its wall clock, ms, u64le
//   kGetAck     the replica is to acknowledge at once what came before
//   kFiles      first: the sequence of the checkpoint, payload: its files (file_list.h)
//   kChunk      count: the file's place in the list, first: the offset, payload: bytes of the file
//   kRefusal    the files asked for can't be had, payload: why
//   kMessage    a published message; first: the sequence that it goes behind, count: the size of
//               the channel's name, which leads the payload
//   kEvent      a keyspace event; first: the sequence that it tells of, count: its database,
//               payload: class:u32le name-size:u8 name key
//
// Thread: a reader belongs to one; encoding is pure.
// Errors: a frame that is not what was sent is kDamaged, and so is all behind it.
// Limits: a reader holds one unfinished frame, in memory that grows with what has come; a payload
//         has at most kFramePayloadMax bytes.

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace hearth {

inline constexpr uint32_t kFrameMagic = 0x31465248;  // "HRF1"
inline constexpr size_t kFrameHeaderSize = 40;
inline constexpr uint64_t kFramePayloadMax = uint64_t{4} << 30;

enum class FrameType : uint32_t {
  kGroup = 1,
  kHeartbeat = 2,
  kGetAck = 3,
  kFiles = 4,
  kChunk = 5,
  kRefusal = 6,
  kMessage = 7,
  kEvent = 8,
};

struct Frame {
  FrameType type = FrameType::kHeartbeat;
  uint32_t count = 0;
  uint64_t first = 0;
  std::string payload;
};

// The header that goes before the payload.
std::string FrameHeader(FrameType type, uint64_t first, uint32_t count, std::string_view payload);
// Both, for small frames.
std::string EncodeFrame(FrameType type, uint64_t first, uint32_t count, std::string_view payload);
std::string EncodeHeartbeat(uint64_t last_seq, int64_t wall_ms);
// The wall clock of a heartbeat; 0 when its payload is none.
int64_t HeartbeatMs(const Frame& frame);

// A keyspace event as it goes over the wire: its name is not one of this process' literals.
struct WireEvent {
  uint32_t db = 0;
  uint32_t type = 0;  // an EventClass
  std::string name, key;
};
std::string EncodeEvent(const WireEvent& event);
// nullopt: it is none.
std::optional<WireEvent> DecodeEvent(const Frame& frame);

class FrameReader {
 public:
  enum class Result : uint8_t { kFrame, kNeedMore, kDamaged };

  // Room to read into; the first `size` bytes of it count once Commit tells so.
  std::span<char> Prepare(size_t size_min);
  void Commit(size_t size) { end_ += size; }

  // The next whole frame. After kDamaged the reader is of no more use.
  Result Next(Frame* frame);
  // What is wrong, after kDamaged.
  const std::string& error() const { return error_; }
  size_t buffered_bytes() const { return end_ - begin_; }

 private:
  Result Fail(std::string why);

  std::string buffer_;
  size_t begin_ = 0, end_ = 0;  // of what came and was not taken
  std::string error_;
};

}  // namespace hearth
