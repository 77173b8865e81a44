// Tested by tests/net/request_parser_test.cc.
#include "net/request_parser.h"

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <new>

#include "net/block_pool.h"

namespace hearth {
namespace {

constexpr int64_t kUnauthenticatedArgsMax = 10;
constexpr int64_t kUnauthenticatedBulkMax = 16384;
// A batch's vectors give memory back above this many arguments.
constexpr size_t kKeptArgsMax = 16 * 1024;
// Digits that surely fit 64 bits.
constexpr size_t kDigitsMax = 18;

// A 64-bit decimal without sign "+", leading zeros, or spaces, as Redis' string2ll.
bool ParseInt64(std::string_view text, int64_t* value) {
  const bool negative = !text.empty() && text[0] == '-';
  if (negative) text.remove_prefix(1);
  if (text.empty() || text.size() > kDigitsMax) return false;
  if (text[0] == '0' && (text.size() > 1 || negative)) return false;
  int64_t result = 0;
  for (const char c : text) {
    if (c < '0' || c > '9') return false;
    result = result * 10 + (c - '0');
  }
  *value = negative ? -result : result;
  return true;
}

// The usual "<1 to 6 digits>\r\n" with both line end bytes there; null when it is anything else.
inline const char* ParseShortNumber(const char* cursor, const char* end, int64_t* value) {
  if (end - cursor < 8) return nullptr;
  unsigned digit = static_cast<unsigned char>(*cursor) - '0';
  if (digit - 1 > 8) return nullptr;  // 1 to 9
  uint32_t result = digit;
  for (int i = 1; i < 7; i++) {
    digit = static_cast<unsigned char>(cursor[i]) - '0';
    if (digit > 9) {
      if (cursor[i] != '\r') return nullptr;
      *value = result;
      return cursor + i + 2;
    }
    result = result * 10 + digit;
  }
  return nullptr;
}

}  // namespace

void RequestBatch::Clear() {
  args.clear();
  ends.clear();
  byte_ends_.clear();
  if (!unquoted_.empty()) unquoted_.clear();
  if (args.capacity() > kKeptArgsMax) args.shrink_to_fit();
}

std::span<char> RequestParser::Prepare(size_t size_min) {
  if (data_ != nullptr && capacity_ > kBlockBytes && used_bytes() + size_min <= kBlockBytes &&
      args_left_ == 0) {
    Resize(kBlockBytes);
  }
  if (capacity_ - end_ < size_min) {
    if (data_ != nullptr && used_bytes() + size_min <= capacity_) {
      Resize(capacity_);
    } else {
      Resize(GrownCapacity(used_bytes() + size_min));
    }
  }
  return {data_ + end_, capacity_ - end_};
}

ParseResult RequestParser::Parse(RequestBatch& batch) {
  batch.Clear();
  batch_ = &batch;
  scanned_ = begin_;
  const char* cursor = data_ + begin_;
  const char* const end = data_ + end_;
  while (cursor < end && batch.size() < kRequestsPerBatchMax) {
    const Step step = args_left_ > 0 ? ResumePartial(cursor, batch) : ParseNext(cursor, batch);
    if (step == Step::kRequest) {
      batch.ends.push_back(static_cast<uint32_t>(batch.args.size()));
      batch.byte_ends_.push_back(static_cast<size_t>(cursor - data_));
    } else if (step == Step::kNeedMore) {
      break;
    } else if (step == Step::kError) {
      if (batch.empty()) return ParseResult::kProtocolError;
      break;
    }
    scanned_ = static_cast<size_t>(cursor - data_);
  }
  if (!batch.empty()) return ParseResult::kBatch;
  Consume(0);
  if (used_bytes() > limits_.query_buffer_max) {
    error_.clear();
    return ParseResult::kProtocolError;
  }
  return ParseResult::kNeedMore;
}

void RequestParser::Consume(size_t count) {
  if (count == batch_->size()) {
    begin_ = scanned_;
  } else {
    if (count > 0) begin_ = batch_->byte_ends_[count - 1];
    DropPartial();
  }
  ReleaseIfEmpty();
}

void RequestParser::ReleaseIfEmpty() {
  if (begin_ == end_) FreeBuffer();
}

inline RequestParser::Step RequestParser::ParseNext(const char*& cursor, RequestBatch& batch) {
  return *cursor == '*' ? ParseMultibulk(cursor, batch) : ParseInline(cursor, batch);
}

RequestParser::Step RequestParser::ParseMultibulk(const char*& cursor, RequestBatch& batch) {
  const char* const start = cursor;
  int64_t count = 0;
  if (const Step step = ParseCount(cursor, &count); step != Step::kRequest) return step;
  if (count <= 0) return Step::kSkip;

  const size_t first_arg = batch.args.size();
  size_t args_left = static_cast<size_t>(count);
  bulk_size_ = -1;
  const Step step = ParseArgs(cursor, args_left, [&batch](const char* arg, size_t size) {
    batch.args.emplace_back(arg, size);
  });
  if (step == Step::kRequest) [[likely]]
    return step;
  if (step == Step::kNeedMore) SavePartial(start, cursor, args_left, first_arg, batch);
  batch.args.resize(first_arg);
  return step;
}

// Arguments of a request that came in pieces are kept as offsets, for the buffer may move.
RequestParser::Step RequestParser::ResumePartial(const char*& cursor, RequestBatch& batch) {
  const char* const start = cursor;
  const char* place = start + partial_cursor_;
  const Step step = ParseArgs(place, args_left_, [this, start](const char* arg, size_t size) {
    partial_args_.push_back({static_cast<size_t>(arg - start), size});
  });
  partial_cursor_ = static_cast<size_t>(place - start);
  if (step == Step::kError) DropPartial();
  if (step != Step::kRequest) return step;

  for (const ArgPlace& arg : partial_args_) batch.args.emplace_back(start + arg.offset, arg.size);
  cursor = place;
  DropPartial();
  return step;
}

// Parses up to args_left arguments; on kNeedMore the cursor stands at the first one that is not
// there, behind its size when bulk_size_ tells that.
template <typename Emit>
inline RequestParser::Step RequestParser::ParseArgs(const char*& cursor, size_t& args_left,
                                                    const Emit& emit) {
  const char* const end = data_ + end_;
  while (args_left > 0) {
    if (bulk_size_ < 0) {
      if (const Step step = ParseSize(cursor, &bulk_size_); step != Step::kRequest) return step;
    }
    if (end - cursor < bulk_size_ + 2) return Step::kNeedMore;
    emit(cursor, static_cast<size_t>(bulk_size_));
    cursor += bulk_size_ + 2;
    bulk_size_ = -1;
    args_left--;
  }
  return Step::kRequest;
}

// "*<count>\r\n". The byte behind CR is not looked at, as in Redis.
RequestParser::Step RequestParser::ParseCount(const char*& cursor, int64_t* count) {
  const char* const end = data_ + end_;
  const char* next = ParseShortNumber(cursor + 1, end, count);
  if (next == nullptr) {
    const auto size = static_cast<size_t>(end - cursor);
    const auto* line_end = static_cast<const char*>(std::memchr(cursor, '\r', size));
    if (line_end == nullptr && size > limits_.inline_max) return Fail("too big mbulk count string");
    if (line_end == nullptr || end - line_end < 2) return Step::kNeedMore;
    if (!ParseInt64({cursor + 1, line_end}, count)) return Fail("invalid multibulk length");
    next = line_end + 2;
  }
  if (*count > static_cast<int64_t>(limits_.multibulk_max)) return Fail("invalid multibulk length");
  if (*count > kUnauthenticatedArgsMax && !limits_.authenticated) {
    return Fail("unauthenticated multibulk length");
  }
  cursor = next;
  return Step::kRequest;
}

// "$<size>\r\n".
inline RequestParser::Step RequestParser::ParseSize(const char*& cursor, int64_t* size) {
  const char* const end = data_ + end_;
  int64_t value = 0;
  const char* next = nullptr;
  if (cursor < end && *cursor == '$') [[likely]]
    next = ParseShortNumber(cursor + 1, end, &value);
  if (next == nullptr) {
    const auto left = static_cast<size_t>(end - cursor);
    const auto* line_end =
        left == 0 ? nullptr : static_cast<const char*>(std::memchr(cursor, '\r', left));
    if (line_end == nullptr && left > limits_.inline_max) return Fail("too big bulk count string");
    if (line_end == nullptr || end - line_end < 2) return Step::kNeedMore;
    if (*cursor != '$') return Fail(std::string("expected '$', got '") + *cursor + "'");
    if (!ParseInt64({cursor + 1, line_end}, &value)) return Fail("invalid bulk length");
    next = line_end + 2;
  }
  if (value < 0 || value > static_cast<int64_t>(limits_.proto_max_bulk_len)) {
    return Fail("invalid bulk length");
  }
  if (value > kUnauthenticatedBulkMax && !limits_.authenticated) {
    return Fail("unauthenticated bulk length");
  }
  cursor = next;
  *size = value;
  return Step::kRequest;
}

RequestParser::Step RequestParser::ParseInline(const char*& cursor, RequestBatch& batch) {
  const char* const end = data_ + end_;
  const auto size = static_cast<size_t>(end - cursor);
  const auto* line_end = static_cast<const char*>(std::memchr(cursor, '\n', size));
  if (line_end == nullptr) {
    return size > limits_.inline_max ? Fail("too big inline request") : Step::kNeedMore;
  }
  std::string_view line(cursor, static_cast<size_t>(line_end - cursor));
  if (line.ends_with('\r')) line.remove_suffix(1);
  const size_t first_arg = batch.args.size();
  if (!SplitInline(line, batch.args, batch.unquoted_)) {
    batch.args.resize(first_arg);
    return Fail("unbalanced quotes in request");
  }
  cursor = line_end + 1;
  return batch.args.size() == first_arg ? Step::kSkip : Step::kRequest;
}

void RequestParser::SavePartial(const char* start, const char* cursor, size_t args_left,
                                size_t first_arg, RequestBatch& batch) {
  args_left_ = args_left;
  partial_cursor_ = static_cast<size_t>(cursor - start);
  partial_args_.clear();
  for (size_t i = first_arg; i < batch.args.size(); i++) {
    const std::string_view arg = batch.args[i];
    partial_args_.push_back({static_cast<size_t>(arg.data() - start), arg.size()});
  }
}

void RequestParser::DropPartial() {
  args_left_ = 0;
  bulk_size_ = -1;
  if (partial_args_.capacity() != 0) std::vector<ArgPlace>().swap(partial_args_);
}

RequestParser::Step RequestParser::Fail(std::string_view what) {
  error_ = "ERR Protocol error: ";
  error_ += what;
  return Step::kError;
}

// Twice what there is, but not beyond the end of the argument being read.
size_t RequestParser::GrownCapacity(size_t needed) const {
  size_t capacity = std::max(kBlockBytes, capacity_ * 2);
  if (args_left_ > 0 && bulk_size_ >= 0) {
    const size_t argument_end = partial_cursor_ + static_cast<size_t>(bulk_size_) + 2;
    capacity = std::min(capacity, std::max(argument_end, kBlockBytes));
  }
  return std::max(capacity, needed);
}

// Moves what is not consumed to the start of a buffer of `capacity`.
void RequestParser::Resize(size_t capacity) {
  const size_t used = used_bytes();
  if (capacity == capacity_) {
    std::memmove(data_, data_ + begin_, used);
  } else {
    const bool pooled = capacity == kBlockBytes;
    char* data = pooled ? TakeBlock() : static_cast<char*>(std::malloc(capacity));
    if (data == nullptr) throw std::bad_alloc();
    if (used > 0) std::memcpy(data, data_ + begin_, used);
    FreeBuffer();
    data_ = data;
    capacity_ = capacity;
  }
  begin_ = 0;
  end_ = used;
}

void RequestParser::FreeBuffer() {
  if (capacity_ == kBlockBytes) {
    GiveBlock(data_);
  } else {
    std::free(data_);
  }
  data_ = nullptr;
  capacity_ = begin_ = end_ = 0;
}

}  // namespace hearth
