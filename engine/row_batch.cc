// Tested by tests/engine/commit_log_test.cc.
#include "engine/row_batch.h"

#include <algorithm>
#include <cstdint>
#include <cstring>

#include "engine/check.h"
#include "engine/codec.h"

namespace hearth {

void RowBatch::AppendPut(std::string_view key_a, std::string_view key_b, std::string_view value_a,
                         std::string_view value_b, std::string_view value_c) {
  constexpr size_t kCountAt = 8;
  constexpr char kPutTag = 1;
  const size_t key_size = key_a.size() + key_b.size();
  const size_t value_size = value_a.size() + value_b.size() + value_c.size();
  HEARTH_CHECK(key_size <= UINT32_MAX && value_size <= UINT32_MAX);

  const size_t begin = rep_.size();
  rep_.append(1 + VarintSize(key_size) + key_size + VarintSize(value_size) + value_size, '\0');
  char* to = rep_.data() + begin;
  const auto put_bytes = [&to](std::string_view bytes) { to += bytes.copy(to, bytes.size()); };
  *to++ = kPutTag;
  to = WriteVarint(to, key_size);
  put_bytes(key_a);
  put_bytes(key_b);
  to = WriteVarint(to, value_size);
  put_bytes(value_a);
  put_bytes(value_b);
  put_bytes(value_c);

  uint32_t count;
  std::memcpy(&count, rep_.data() + kCountAt, sizeof(count));
  ++count;
  std::memcpy(rep_.data() + kCountAt, &count, sizeof(count));
}

std::string RowBatch::TakePayload() {
  std::string payload = std::move(rep_);
  rep_.clear();
  rep_.reserve(std::min(payload.size(), kSpareBatchBytesMax));
  Reset();
  return payload;
}

}  // namespace hearth
