// Tested by tests/src/replication/command_scanner_test.cc.
#include "src/replication/command_scanner.h"

#include <algorithm>
#include <cstring>

#include "src/numbers.h"
#include "src/session.h"

namespace hearth {
namespace {

constexpr size_t kLineMax = 32;  // of a count or a size
constexpr size_t kNoteMax = 1024;
constexpr size_t kKeptMax = 1 << 20;

}  // namespace

std::span<char> CommandScanner::Prepare(size_t size_min) {
  if (begin_ > 0 && begin_ >= end_ - begin_) {
    std::memmove(buffer_.data(), buffer_.data() + begin_, end_ - begin_);
    end_ -= begin_;
    scan_ -= begin_;
    begin_ = 0;
    if (buffer_.size() > kKeptMax && end_ + size_min < kKeptMax) {
      buffer_.resize(kKeptMax);
      buffer_.shrink_to_fit();
    }
  }
  if (buffer_.size() - end_ < size_min) {
    buffer_.resize(std::max(buffer_.size() * 2, end_ + size_min));
  }
  return {buffer_.data() + end_, buffer_.size() - end_};
}

void CommandScanner::Append(std::string_view bytes) {
  const std::span<char> room = Prepare(bytes.size());
  std::memcpy(room.data(), bytes.data(), bytes.size());
  Commit(bytes.size());
}

bool CommandScanner::Line(std::string_view* line) {
  const auto rest = std::string_view(buffer_).substr(scan_, end_ - scan_);
  const size_t end = rest.find('\n');
  if (end == std::string_view::npos) return false;
  *line = rest.substr(0, end > 0 && rest[end - 1] == '\r' ? end - 1 : end);
  scan_ += end + 1;
  return true;
}

CommandScanner::Result CommandScanner::Header() {
  std::string_view line;
  const bool is_note = takes_notes_ && scan_ < end_ && buffer_[scan_] == '#';
  if (!Line(&line)) {
    return end_ - scan_ > (is_note ? kNoteMax : kLineMax) ? Result::kDamaged : Result::kNeedMore;
  }
  if (line.empty() || is_note) {
    arg_count_ = 0;
  } else {
    const auto count = line[0] == '*' ? ParseInt64(line.substr(1)) : std::nullopt;
    if (!count || *count < 1 || *count > INT32_MAX) return Result::kDamaged;
    arg_count_ = *count;
  }
  args_left_ = arg_count_;
  word_begin_[0] = word_begin_[1] = word_size_[0] = word_size_[1] = 0;
  return Result::kCommand;
}

CommandScanner::Result CommandScanner::Argument(bool* is_whole) {
  *is_whole = false;
  if (size_left_ < 0) {
    std::string_view line;
    if (!Line(&line)) return end_ - scan_ > kLineMax ? Result::kDamaged : Result::kNeedMore;
    const auto size = line.starts_with('$') ? ParseInt64(line.substr(1)) : std::nullopt;
    if (!size || *size < 0 || static_cast<uint64_t>(*size) > kStreamCommandBytesMax) {
      return Result::kDamaged;
    }
    size_left_ = *size;
  }
  const auto size = static_cast<size_t>(size_left_);
  if (scan_ - begin_ + size > kStreamCommandBytesMax) return Result::kDamaged;
  if (end_ - scan_ < size + 2) return Result::kNeedMore;
  if (buffer_[scan_ + size] != '\r' || buffer_[scan_ + size + 1] != '\n') return Result::kDamaged;
  if (const int64_t index = arg_count_ - args_left_; index < 2) {
    word_begin_[index] = scan_ - begin_;
    word_size_[index] = size;
  }
  scan_ += size + 2;
  size_left_ = -1;
  --args_left_;
  *is_whole = true;
  return Result::kCommand;
}

CommandScanner::Result CommandScanner::Next(ScannedCommand* command) {
  if (arg_count_ < 0) {
    if (const Result result = Header(); result != Result::kCommand) return result;
  }
  while (args_left_ > 0) {
    bool is_whole;
    const Result result = Argument(&is_whole);
    if (!is_whole) return result;
  }
  const auto all = std::string_view(buffer_).substr(begin_, scan_ - begin_);
  command->bytes = all;
  command->name = all.substr(word_begin_[0], word_size_[0]);
  command->word = all.substr(word_begin_[1], word_size_[1]);
  arg_count_ = -1;
  begin_ = scan_;
  return Result::kCommand;
}

}  // namespace hearth
