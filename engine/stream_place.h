#pragma once

// StreamPlace: up to where the command stream of another server was applied (by id and offset, as
// PSYNC names them), for a store that follows one whose log it does not share.
//
// It stands in the state row of every group, so it is committed with what the stream did: whatever
// a crash leaves, the stream is asked for from behind just that. Rows that join outside of a
// StreamScope end it, since the data are then no longer what the stream made of them.
//
// Thread: StreamPlace: a value. StreamScope: of the thread that it lives on; they do not nest.

#include <cstdint>
#include <string>

namespace hearth {

struct StreamPlace {
  std::string id;       // 40 hexadecimal digits; empty: no stream was applied, or not that alone
  uint64_t offset = 0;  // bytes of the stream
  uint32_t db = 0;      // selected behind them

  bool operator==(const StreamPlace&) const = default;
};

// While one exists, rows that join on this thread are what the stream does up to `place`.
class StreamScope {
 public:
  // place: null: what joins is no stream's. Outlives the scope.
  explicit StreamScope(const StreamPlace* place) { current_ = place; }
  ~StreamScope() { current_ = nullptr; }
  StreamScope(const StreamScope&) = delete;
  StreamScope& operator=(const StreamScope&) = delete;

  static const StreamPlace* Current() { return current_; }

 private:
  static inline thread_local const StreamPlace* current_ = nullptr;
};

}  // namespace hearth
