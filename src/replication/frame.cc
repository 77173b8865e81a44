// Tested by tests/src/replication/frame_test.cc.
#include "src/replication/frame.h"

#include <xxhash.h>

#include <algorithm>
#include <cstring>

namespace hearth {
namespace {

constexpr size_t kCheckedOffset = 8;

template <typename T>
void Store(char* to, T value) {
  for (size_t i = 0; i < sizeof(T); ++i) to[i] = static_cast<char>(value >> (8 * i));
}

template <typename T>
T Load(const char* from) {
  T value = 0;
  for (size_t i = 0; i < sizeof(T); ++i) {
    value |= static_cast<T>(static_cast<unsigned char>(from[i])) << (8 * i);
  }
  return value;
}

uint32_t HeaderCheck(const char* header) {
  return static_cast<uint32_t>(
      XXH3_64bits(header + kCheckedOffset, kFrameHeaderSize - kCheckedOffset));
}

}  // namespace

std::string FrameHeader(FrameType type, uint64_t first, uint32_t count, std::string_view payload) {
  std::string header(kFrameHeaderSize, '\0');
  Store(header.data(), kFrameMagic);
  Store(header.data() + 8, static_cast<uint32_t>(type));
  Store(header.data() + 12, count);
  Store(header.data() + 16, first);
  Store(header.data() + 24, static_cast<uint64_t>(payload.size()));
  Store(header.data() + 32, static_cast<uint64_t>(XXH3_64bits(payload.data(), payload.size())));
  Store(header.data() + 4, HeaderCheck(header.data()));
  return header;
}

std::string EncodeFrame(FrameType type, uint64_t first, uint32_t count, std::string_view payload) {
  std::string frame = FrameHeader(type, first, count, payload);
  frame += payload;
  return frame;
}

std::string EncodeHeartbeat(uint64_t last_seq, int64_t wall_ms) {
  char time[8];
  Store(time, static_cast<uint64_t>(wall_ms));
  return EncodeFrame(FrameType::kHeartbeat, last_seq, 0, {time, sizeof(time)});
}

int64_t HeartbeatMs(const Frame& frame) {
  return frame.payload.size() == 8 ? static_cast<int64_t>(Load<uint64_t>(frame.payload.data())) : 0;
}

std::string EncodeEvent(const WireEvent& event) {
  std::string payload(sizeof(event.type), '\0');
  Store(payload.data(), event.type);
  payload += static_cast<char>(event.name.size());
  payload += event.name;
  payload += event.key;
  return payload;
}

std::optional<WireEvent> DecodeEvent(const Frame& frame) {
  WireEvent event{.db = frame.count};
  constexpr size_t kNameAt = sizeof(event.type) + 1;
  const std::string& payload = frame.payload;
  if (payload.size() < kNameAt) return std::nullopt;
  event.type = Load<uint32_t>(payload.data());
  const size_t name_size = static_cast<unsigned char>(payload[kNameAt - 1]);
  if (payload.size() < kNameAt + name_size) return std::nullopt;
  event.name = payload.substr(kNameAt, name_size);
  event.key = payload.substr(kNameAt + name_size);
  return event;
}

std::span<char> FrameReader::Prepare(size_t size_min) {
  if (begin_ == end_) begin_ = end_ = 0;
  if (buffer_.size() - end_ < size_min) {
    buffer_.erase(0, begin_);
    end_ -= begin_;
    begin_ = 0;
    if (buffer_.size() - end_ < size_min) {
      buffer_.resize(std::max(buffer_.size() * 2, end_ + size_min));
    }
  }
  return {buffer_.data() + end_, buffer_.size() - end_};
}

FrameReader::Result FrameReader::Fail(std::string why) {
  error_ = std::move(why);
  return Result::kDamaged;
}

FrameReader::Result FrameReader::Next(Frame* frame) {
  if (!error_.empty()) return Result::kDamaged;
  if (end_ - begin_ < kFrameHeaderSize) return Result::kNeedMore;
  const char* const header = buffer_.data() + begin_;
  if (Load<uint32_t>(header) != kFrameMagic) return Fail("bytes that are no frame");
  if (Load<uint32_t>(header + 4) != HeaderCheck(header)) return Fail("a damaged frame header");
  const auto size = Load<uint64_t>(header + 24);
  if (size > kFramePayloadMax) return Fail("a frame of " + std::to_string(size) + " bytes");
  if (end_ - begin_ - kFrameHeaderSize < size) return Result::kNeedMore;

  const char* const payload = header + kFrameHeaderSize;
  const auto first = Load<uint64_t>(header + 16);
  if (XXH3_64bits(payload, size) != Load<uint64_t>(header + 32)) {
    return Fail("a damaged frame at " + std::to_string(first));
  }
  frame->type = static_cast<FrameType>(Load<uint32_t>(header + 8));
  frame->count = Load<uint32_t>(header + 12);
  frame->first = first;
  frame->payload.assign(payload, size);
  begin_ += kFrameHeaderSize + size;
  constexpr size_t kKeptBytesMax = 4 << 20;  // a big frame's memory is not kept for small ones
  if (begin_ == end_ && buffer_.size() > kKeptBytesMax) {
    std::string().swap(buffer_);
    begin_ = end_ = 0;
  }
  return Result::kFrame;
}

}  // namespace hearth
