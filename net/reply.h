#pragma once

// Reply: writes a client's replies as RESP2 or RESP3.
//
// A reply is one call (Bulk, Integer, Error, ...) or an aggregate header (Array, Map, Set, Push)
// followed by as many replies as it announces. Types that RESP2 lacks take their RESP2 form, as
// redis-server 7.0 writes them.
//
// Thread:   the connection's worker.
// Lifetime: the buffer outlives the Reply; arguments are copied before a call returns.
// Errors:   none; a full buffer is the connection's matter.

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <utility>

#include "net/output_buffer.h"

namespace hearth {

class Reply {
 public:
  explicit Reply(OutputBuffer* out) : out_(out) {}

  int protocol() const { return protocol_; }
  // Requires: 2 or 3.
  void SetProtocol(int protocol) { protocol_ = protocol; }

  // "+text". Requires: no CR or LF in the text.
  void Simple(std::string_view text);
  void Ok() { Raw("+OK\r\n"); }

  // "-text", where the text starts with its code: "ERR syntax error". CR and LF become spaces.
  void Error(std::string_view text);
  // The same of one that was counted where it arose: a script passes on what its command was told.
  // error_count() does not rise.
  void PassOnError(std::string_view text);

  void Integer(int64_t value) { WriteNumber(':', value); }
  void Bulk(std::string_view value);
  void BulkInteger(int64_t value);
  void Null() { Raw(protocol_ == 2 ? std::string_view("$-1\r\n") : std::string_view("_\r\n")); }
  void NullArray() {
    Raw(protocol_ == 2 ? std::string_view("*-1\r\n") : std::string_view("_\r\n"));
  }

  // Headers; `count` replies follow, for a map 2 * pairs.
  void Array(size_t count) { WriteHeader('*', count); }
  void Map(size_t pairs);
  void Set(size_t count) { WriteHeader(protocol_ == 2 ? '*' : '~', count); }
  void Push(size_t count) { WriteHeader(protocol_ == 2 ? '*' : '>', count); }

  // A short text that reads back as the same double, as Redis 7.2 prints it; "inf", "-inf", "nan".
  void Double(double value);
  void Bool(bool value);
  // Decimal digits with an optional minus sign.
  void BigNumber(std::string_view digits);
  // Requires: `format` has three characters, "txt" or "mkd".
  void Verbatim(std::string_view format, std::string_view text);

  // Bytes that are RESP already.
  void Raw(std::string_view bytes) {
    if (muted_) [[unlikely]]
      return;
    out_->Append(bytes);
  }

  void Raw(OwnedBytes bytes) {
    if (!muted_) out_->Adopt(std::move(bytes));
  }

  // While muted every reply is discarded; errors are still counted (CLIENT REPLY OFF and SKIP).
  void SetMuted(bool muted) { muted_ = muted || discarding_; }
  bool muted() const { return muted_; }

  // What is written from now on goes there, until it is told otherwise; returns where it went.
  OutputBuffer* Redirect(OutputBuffer* out) { return std::exchange(out_, out); }
  // Pushes are written even while replies are muted: one whose parts follow as RESP in `body`, or
  // what `write` writes.
  void PushBody(size_t count, std::string_view body) {
    Unmuted([&] {
      Push(count);
      Raw(body);
    });
  }
  template <typename Write>
  void Unmuted(Write write) {
    const bool was_muted = muted_;
    muted_ = discarding_;
    write();
    muted_ = was_muted || discarding_;
  }

  // From now on everything is discarded, muted or not: the connection is closing.
  void DiscardAll() { discarding_ = muted_ = true; }

  // How many Error() calls there were; how the latest begins, and its first word ("" when none).
  uint64_t error_count() const { return error_count_; }
  std::string_view last_error_start() const { return {error_start_, error_start_size_}; }
  std::string_view last_error_code() const {
    return last_error_start().substr(0, last_error_start().find(' '));
  }
  // Whether there was a PassOnError() since the last question.
  bool TakePassedOn() { return std::exchange(passed_on_, false); }

 private:
  static constexpr size_t kErrorStartBytesMax = 31;

  void WriteHeader(char type, size_t count) { WriteNumber(type, static_cast<int64_t>(count)); }
  void WriteNumber(char type, int64_t value);
  void NoteError(std::string_view text);
  void WriteError(std::string_view text);

  OutputBuffer* out_;
  uint64_t error_count_ = 0;
  int protocol_ = 2;
  bool muted_ = false;
  bool discarding_ = false;
  bool passed_on_ = false;
  uint8_t error_start_size_ = 0;
  char error_start_[kErrorStartBytesMax];
};

// Writes `value` as Double() does, without type or line end; returns the size, at most
// kDoubleTextBytesMax.
inline constexpr size_t kDoubleTextBytesMax = 40;
size_t FormatDouble(double value, char* out);

}  // namespace hearth
