#pragma once

// CommandScanner: cuts the stream of a Redis primary into its commands, whose bytes count.
//
//   command = "*" count CRLF count * ( "$" size CRLF size * byte CRLF ) | LF | CRLF
//           | "#" text LF                            in a file only: a note
//
// Thread:   one at a time.
// Lifetime: a command's views die with the next Prepare().
// Errors:   what is no command is kDamaged, and so is all behind it.
// Limits:   holds one unfinished command of at most kStreamCommandBytesMax, in memory that grows
//           with what has come.

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace hearth {

struct ScannedCommand {
  std::string_view bytes;       // all of it
  std::string_view name, word;  // the first two arguments; empty: there are none
};

class CommandScanner {
 public:
  enum class Result : uint8_t { kCommand, kNeedMore, kDamaged };

  // takes_notes: a note counts as a command without words, as an empty line does.
  explicit CommandScanner(bool takes_notes = false) : takes_notes_(takes_notes) {}

  // Room to read into; the first `size` bytes of it count once Commit tells so.
  std::span<char> Prepare(size_t size_min);
  void Commit(size_t size) { end_ += size; }
  void Append(std::string_view bytes);

  Result Next(ScannedCommand* command);
  // What has come and is no whole command yet.
  size_t unfinished_size() const { return end_ - begin_; }

 private:
  // A line without its end, from scan_ on; false: it is not there yet.
  bool Line(std::string_view* line);
  Result Header();
  Result Argument(bool* is_whole);

  const bool takes_notes_;
  std::string buffer_;
  size_t begin_ = 0, scan_ = 0, end_ = 0;  // of the command; of the scan; of what came
  int64_t arg_count_ = -1;                 // -1: the header is to come
  int64_t args_left_ = 0;
  int64_t size_left_ = -1;                         // of the argument; -1: its header is to come
  size_t word_begin_[2] = {}, word_size_[2] = {};  // from begin_
};

}  // namespace hearth
