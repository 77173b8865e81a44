#pragma once

// Connection: one client's socket, from its bytes to its handler and back.
//
// Reads and parses, gives batches of requests to the handler, and sends what the handler writes
// to reply() when the worker's turn ends. Three things may stop it meanwhile: the handler (Pause,
// or a batch consumed in part), a client that does not read its replies (nothing is read from it
// while more than kOutputPauseBytes wait), and a barrier: output that speaks of a commit not yet
// in the log is held, and all later output behind it, until the worker releases that barrier.
//
// Thread:   its worker, every method; other threads post to worker().
// Lifetime: shared; closed once, after which every method still may be called and does nothing.
// Errors:   a broken socket closes the connection; close_reason() tells why.
// Limits:   kBatchesPerTurnMax batches a turn, then others have their turn; output by
//           kOutputPauseBytes plus one batch's replies, or by SetOutputLimits().

#include <asio/generic/stream_protocol.hpp>
#include <asio/io_context.hpp>
#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "net/connection_handler.h"
#include "net/output_buffer.h"
#include "net/reply.h"
#include "net/request_parser.h"
#include "net/socket_stream.h"

namespace hearth {

class Worker;

inline constexpr size_t kOutputPauseBytes = 1024 * 1024;
// SetOutputLimits counts what waits beyond these: any client may have small replies.
inline constexpr size_t kUncountedOutputBytes = kBlockBytes;
inline constexpr size_t kBatchesPerTurnMax = 16;
// What others on the worker wait for at a time because of one that reads much.
inline constexpr size_t kWriteBytesPerTurnMax = 256 * 1024;
inline constexpr std::chrono::seconds kTlsHandshakeTimeout{10};
// A closing client that reads nothing of its last replies for this long loses them.
inline constexpr std::chrono::seconds kDrainTimeout{30};

// An accepted socket on its way to a worker. Owns nothing: whoever holds it closes what it names.
struct AcceptedSocket {
  int fd = -1;
  int family = 0;  // AF_INET, AF_INET6 or AF_UNIX
  SSL* tls_session = nullptr;
  std::string peer_address;
  std::string local_address;
};

class Connection : public std::enable_shared_from_this<Connection> {
 public:
  // Takes over the socket and its TLS session.
  Connection(Worker& worker, AcceptedSocket socket);
  ~Connection();
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  Reply& reply() { return reply_; }
  Worker& worker() { return worker_; }
  ConnectionHandler* handler() { return handler_.get(); }
  ParserLimits& limits() { return parser_.limits(); }

  // Unique in the process, ascending in the order of accepting.
  uint64_t id() const { return id_; }
  int fd() const { return fd_; }
  // "1.2.3.4:567", "[::1]:567", or for a unix socket "path:0".
  const std::string& peer_address() const { return peer_address_; }
  const std::string& local_address() const { return local_address_; }
  bool is_tls() const { return stream_.is_tls(); }
  bool is_unix() const { return family_ == AF_UNIX; }
  bool is_closed() const { return state_ == State::kClosed; }
  // Closed, or about to be after its last reply: a handler runs no further request of its batch.
  bool is_closing() const { return state_ == State::kClosed || state_ == State::kDraining; }
  // Set once Close() was called or a failure closed it; empty while open.
  const std::string& close_reason() const { return close_reason_; }

  // No more requests until Resume(). What is parsed but not consumed is kept.
  void Pause() { paused_ = true; }
  // Goes on in this turn or the next, never inside the call.
  void Resume();
  bool is_paused() const { return paused_; }

  // No more requests; closes once all output, held output included, has left.
  void CloseAfterReply();
  // Closes at the end of this turn; nothing that is not sent yet leaves.
  void Close(std::string_view reason);

  // Output was written outside OnRequests(): send it when this turn ends.
  void MarkDirty();

  // What is written from now on (and in this turn so far) waits until `barrier` is released.
  // A lower one than before changes nothing.
  void SetBarrier(uint64_t barrier) {
    if (barrier > barrier_) barrier_ = barrier;
  }
  uint64_t barrier() const { return barrier_; }
  // Tells that `count` whole replies were written; when the barrier fails, as many errors replace
  // them. Pushes do not count.
  void CountReply(uint32_t count = 1) { replies_in_mark_ += count; }

  // Whether the handler is told when output was sent.
  void SetSentNotice(bool on) { sent_notice_ = on; }

  // Closes the connection once more than `hard_bytes` wait to be sent, or more than `soft_bytes`
  // for `soft_seconds` on end, beyond kUncountedOutputBytes. 0 is no limit.
  void SetOutputLimits(size_t hard_bytes, size_t soft_bytes, uint32_t soft_seconds);

  size_t query_buffer_bytes() const { return parser_.used_bytes(); }
  size_t query_buffer_free_bytes() const { return parser_.free_bytes(); }
  size_t output_bytes() const { return output_.size_bytes(); }
  size_t output_bytes_peak() const { return output_bytes_peak_; }
  // The same, which begins anew.
  size_t TakeOutputBytesPeak() { return std::exchange(output_bytes_peak_, output_.size_bytes()); }
  // What it occupies, buffers included, its handler not.
  size_t memory_bytes() const;
  uint64_t total_in_bytes() const { return total_in_bytes_; }
  uint64_t total_out_bytes() const { return total_out_bytes_; }
  // Worker::NowUs() when the client last sent something, or the connection was accepted.
  uint64_t last_interaction_us() const { return last_interaction_us_; }
  uint64_t accepted_us() const { return accepted_us_; }

 private:
  friend class Worker;

  enum class State { kHandshaking, kOpen, kDraining, kClosed };

  // Output up to end_offset may leave once `barrier` is released.
  struct Mark {
    uint64_t end_offset;
    uint64_t barrier;
    uint32_t reply_count;
  };

  // For the worker.
  void Start(std::unique_ptr<ConnectionHandler> handler);
  void Run();
  void EndTurn(uint64_t released);
  void ReleaseUpTo(uint64_t released);
  void FailAbove(uint64_t barrier, std::string_view error_line);
  void Tick();
  bool NeedsTick() const;
  bool HoldsOutput() const { return !marks_.empty(); }
  uint64_t barrier_of_turn() const;
  void FinishClose();

  bool CanRun() const { return state_ == State::kOpen && !paused_ && !output_blocked_; }
  bool ContinueHandshake();
  bool ReadSome();
  void RunBatch(const RequestBatch& batch);
  void FailProtocol();
  void Seal(uint64_t released);
  void WriteReleased();
  void AfterWrite();
  void ArmRead();
  void CountRead(size_t size);
  void TakeFirstRead();
  void ArmWrite();
  void OnReadable();
  void OnWritable();
  void CheckPeer();
  void CheckOutputLimits();
  void DiscardUnread();
  size_t output_pause_bytes() const;

  Worker& worker_;
  const uint64_t id_;
  const int fd_;
  const int family_;
  State state_ = State::kOpen;
  bool paused_ = false;
  bool resumed_ = false;  // Resume() came while the handler ran
  bool in_handler_ = false;
  bool sent_notice_ = false;
  bool output_blocked_ = false;  // the client must read before more requests run
  bool readable_ = false;        // the socket may have bytes that were not read
  bool read_armed_ = false;
  bool write_armed_ = false;
  bool in_turn_ = false;       // listed by the worker: in this turn's list,
  bool in_run_queue_ = false;  // to run next turn,
  bool in_held_ = false;       // waiting for a barrier,
  bool in_tick_ = false;       // looked at each tick

  asio::generic::stream_protocol::socket socket_;
  SocketStream stream_;
  std::unique_ptr<char[]> first_read_;  // what the armed read brings, and how much it brought
  size_t first_read_size_ = 0;
  RequestParser parser_;
  OutputBuffer output_;
  Reply reply_;
  std::unique_ptr<ConnectionHandler> handler_;

  uint64_t barrier_ = 0;
  uint64_t sealed_offset_ = 0;    // output before it is in a mark or released
  uint64_t released_offset_ = 0;  // output before it may leave
  uint32_t replies_in_mark_ = 0;
  std::vector<Mark> marks_;

  size_t hard_bytes_ = 0;
  size_t soft_bytes_ = 0;
  uint64_t soft_limit_us_ = 0;
  uint64_t soft_since_us_ = 0;  // 0: not above the soft limit
  size_t output_bytes_peak_ = 0;
  uint64_t total_in_bytes_ = 0;
  uint64_t total_out_bytes_ = 0;
  uint64_t last_interaction_us_ = 0;
  uint64_t accepted_us_ = 0;
  uint64_t drain_progress_us_ = 0;  // while draining: when bytes last left
  std::string peer_address_;
  std::string local_address_;
  std::string close_reason_;
};

}  // namespace hearth
