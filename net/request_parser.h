#pragma once

// RequestParser: turns a client's bytes into requests, incrementally, without copying arguments.
//
//   request   = multibulk | inline
//   multibulk = "*" count CRLF count * ( "$" size CRLF size * byte CRLF )
//   inline    = line of words, "..." with \xHH \n \r \t \b \a escapes, '...' with \' ; LF or CRLF
//
// A count <= 0 and an empty line are no requests and are skipped. The grammar's edges (what is
// refused, and with which words) are those of redis-server 7.0.15; one differs: after a NUL byte in
// a count or a line Redis waits for more; here it is refused at once, or ends the line.
//
// How it goes: read into Prepare(), Commit() what came, Parse() a batch, Consume() what was run.
// A request that is not complete keeps the place of the scan, so a huge one arriving in pieces is
// scanned once.
//
// Thread:   one at a time, the connection's worker.
// Lifetime: arguments point into the read buffer until Consume() or Prepare(); a parsed batch must
//           be consumed (in part or in whole) before the next Parse() or Prepare().
// Errors:   Parse() returns kProtocolError and error() says what to answer; it stays that way.
// Limits:   ParserLimits. An announced size allocates nothing: the buffer doubles only when full,
//           and never beyond what the current argument needs. An empty parser holds no buffer.

#include <cstddef>
#include <cstdint>
#include <deque>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace hearth {

inline constexpr size_t kRequestsPerBatchMax = 64;

struct ParserLimits {
  size_t proto_max_bulk_len = 512ULL * 1024 * 1024;
  size_t inline_max = 64 * 1024;                    // an unfinished line, or an unfinished count
  size_t multibulk_max = 2147483647;                // arguments of one request
  size_t query_buffer_max = 1024ULL * 1024 * 1024;  // bytes of an unfinished request
  bool authenticated = true;  // false: at most 10 arguments of at most 16384 bytes
};

// Requests in the order they came. Request i is args[ends[i-1]] up to args[ends[i]].
struct RequestBatch {
  std::vector<std::string_view> args;
  std::vector<uint32_t> ends;

  size_t size() const { return ends.size(); }
  bool empty() const { return ends.empty(); }
  std::span<const std::string_view> operator[](size_t index) const {
    const uint32_t begin = index == 0 ? 0 : ends[index - 1];
    return {args.data() + begin, ends[index] - begin};
  }
  void Clear();

 private:
  friend class RequestParser;
  std::vector<size_t> byte_ends_;     // offset in the read buffer behind each request
  std::deque<std::string> unquoted_;  // inline words that had quotes
};

enum class ParseResult { kNeedMore, kBatch, kProtocolError };

class RequestParser {
 public:
  RequestParser() = default;
  ~RequestParser() { FreeBuffer(); }
  RequestParser(const RequestParser&) = delete;
  RequestParser& operator=(const RequestParser&) = delete;

  ParserLimits& limits() { return limits_; }

  // Room for at least `size_min` bytes to read into, grown if it must be.
  std::span<char> Prepare(size_t size_min);

  // The first `size` bytes of Prepare()'s span are filled.
  void Commit(size_t size) { end_ += size; }

  // Gives back an unused buffer after a Prepare() that brought nothing.
  void ReleaseIfEmpty();

  // Fills `batch` with up to kRequestsPerBatchMax complete requests. The batch is remembered until
  // Consume(). An error shows only once the requests before it are consumed.
  ParseResult Parse(RequestBatch& batch);

  // The first `count` requests of the batch are done; the others will be parsed again.
  void Consume(size_t count);

  // What to answer after kProtocolError, "ERR Protocol error: ..."; empty: nothing.
  std::string_view error() const { return error_; }

  size_t used_bytes() const { return end_ - begin_; }
  size_t free_bytes() const { return capacity_ - end_; }
  // What the parser holds beside itself.
  size_t memory_bytes() const { return capacity_ + partial_args_.capacity() * sizeof(ArgPlace); }

 private:
  enum class Step { kRequest, kSkip, kNeedMore, kError };
  struct ArgPlace {
    size_t offset;  // from the request's first byte
    size_t size;
  };

  Step ParseNext(const char*& cursor, RequestBatch& batch);
  Step ParseMultibulk(const char*& cursor, RequestBatch& batch);
  Step ParseInline(const char*& cursor, RequestBatch& batch);
  Step ResumePartial(const char*& cursor, RequestBatch& batch);
  template <typename Emit>
  Step ParseArgs(const char*& cursor, size_t& args_left, const Emit& emit);
  Step ParseCount(const char*& cursor, int64_t* count);
  Step ParseSize(const char*& cursor, int64_t* size);
  void SavePartial(const char* start, const char* cursor, size_t args_left, size_t first_arg,
                   RequestBatch& batch);
  void DropPartial();
  Step Fail(std::string_view what);
  size_t GrownCapacity(size_t needed) const;
  void Resize(size_t capacity);
  void FreeBuffer();

  char* data_ = nullptr;
  size_t capacity_ = 0;
  size_t begin_ = 0;    // first byte not consumed
  size_t end_ = 0;      // behind the last byte read
  size_t scanned_ = 0;  // where the first unfinished request starts

  // The unfinished request at scanned_: how far it got. Active while args_left_ > 0.
  size_t args_left_ = 0;
  int64_t bulk_size_ = -1;     // of the argument being waited for; -1: its size is not known yet
  size_t partial_cursor_ = 0;  // from the request's first byte
  std::vector<ArgPlace> partial_args_;

  RequestBatch* batch_ = nullptr;
  ParserLimits limits_;
  std::string error_;
};

// Splits an inline request's line into words, appending views of it, or of `unquoted` for words
// with quotes. False when a quote does not end, or ends inside a word.
bool SplitInline(std::string_view line, std::vector<std::string_view>& words,
                 std::deque<std::string>& unquoted);

}  // namespace hearth
