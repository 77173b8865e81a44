// Tested by tests/net/connection_test.cc.
#include "net/connection.h"

#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <asio/buffer.hpp>
#include <atomic>
#include <cstring>

#include "net/worker.h"

namespace hearth {
namespace {

constexpr size_t kReadBytesMin = 4096;
// What the wait for a plain socket's bytes takes at once: a few pipelined requests.
constexpr size_t kFirstReadBytes = 2048;
// With more connections on a worker than this they wait without a buffer.
constexpr size_t kFirstReadsMax = 1024;
constexpr size_t kPiecesPerWrite = 64;
constexpr size_t kDiscardBytesMax = 1024 * 1024;

std::atomic<uint64_t> next_connection_id{1};

}  // namespace

Connection::Connection(Worker& worker, AcceptedSocket socket)
    : worker_(worker),
      id_(next_connection_id.fetch_add(1, std::memory_order_relaxed)),
      fd_(socket.fd),
      family_(socket.family),
      socket_(worker.io_context()),
      stream_(socket.fd, socket.tls_session),
      reply_(&output_),
      peer_address_(std::move(socket.peer_address)),
      local_address_(std::move(socket.local_address)) {
  asio::error_code error;
  const int protocol = family_ == AF_UNIX ? 0 : IPPROTO_TCP;
  socket_.assign(asio::generic::stream_protocol(family_, protocol), fd_, error);
  if (error) {
    ::close(fd_);
    close_reason_ = error.message();
  }
  if (stream_.is_tls()) state_ = State::kHandshaking;
}

Connection::~Connection() = default;

void Connection::Start(std::unique_ptr<ConnectionHandler> handler) {
  handler_ = std::move(handler);
  accepted_us_ = last_interaction_us_ = worker_.NowUs();
  worker_.ListInTurn(this);
  if (!close_reason_.empty()) return worker_.ListToClose(shared_from_this());
  if (state_ == State::kHandshaking) worker_.ListForTick(this);
}

void Connection::Resume() {
  if (state_ == State::kClosed) return;
  if (in_handler_) resumed_ = true;
  paused_ = false;
  worker_.ListToRun(this);
}

void Connection::CloseAfterReply() {
  if (state_ == State::kClosed || state_ == State::kDraining) return;
  state_ = State::kDraining;
  drain_progress_us_ = worker_.NowUs();
  worker_.ListInTurn(this);
}

void Connection::Close(std::string_view reason) {
  if (state_ == State::kClosed) return;
  state_ = State::kClosed;
  close_reason_ = reason;
  reply_.DiscardAll();
  worker_.ListToClose(shared_from_this());
}

void Connection::MarkDirty() {
  if (state_ == State::kClosed) return;
  worker_.ListInTurn(this);
  CheckOutputLimits();
}

void Connection::SetOutputLimits(size_t hard_bytes, size_t soft_bytes, uint32_t soft_seconds) {
  hard_bytes_ = hard_bytes;
  soft_bytes_ = soft_bytes;
  soft_limit_us_ = soft_seconds * 1000000ULL;
}

size_t Connection::memory_bytes() const {
  return sizeof(*this) + parser_.memory_bytes() + output_.memory_bytes() +
         (first_read_ != nullptr ? kFirstReadBytes : 0) + marks_.capacity() * sizeof(Mark) +
         peer_address_.capacity() + local_address_.capacity();
}

// One slice of work: reads, parses and runs until the client has nothing more, or its share of
// the turn is used up.
void Connection::Run() {
  if (state_ == State::kClosed) return;
  // Within Worker::RunNested: its batch is not consumed yet.
  if (in_handler_) [[unlikely]]
    return worker_.ListToRun(this);
  worker_.ListInTurn(this);
  if (state_ == State::kHandshaking && !ContinueHandshake()) return;
  RequestBatch& batch = worker_.batch();
  size_t batch_count = 0;
  while (CanRun() && batch_count < kBatchesPerTurnMax) {
    const ParseResult result =
        parser_.used_bytes() == 0 ? ParseResult::kNeedMore : parser_.Parse(batch);
    if (result == ParseResult::kBatch) {
      RunBatch(batch);
      batch_count++;
    } else if (result == ParseResult::kProtocolError) {
      return FailProtocol();
    } else if (!readable_ || !ReadSome()) {
      return;
    }
  }
  if (CanRun()) worker_.ListToRun(this);
}

bool Connection::ContinueHandshake() {
  const IoResult result = stream_.Handshake();
  if (result.status == IoStatus::kOk) {
    state_ = State::kOpen;
    readable_ = true;
    return true;
  }
  if (result.status == IoStatus::kWantRead) {
    readable_ = false;
  } else if (result.status == IoStatus::kWantWrite) {
    ArmWrite();
  } else {
    Close("TLS handshake failed: " + stream_.error());
  }
  return false;
}

void Connection::CountRead(size_t size) {
  parser_.Commit(size);
  total_in_bytes_ += size;
  worker_.socket_counters().reads.Add();
  last_interaction_us_ = worker_.NowUs();
}

// What came while the connection waited.
void Connection::TakeFirstRead() {
  const std::span<char> room = parser_.Prepare(kFirstReadBytes);
  std::memcpy(room.data(), first_read_.get(), first_read_size_);
  CountRead(first_read_size_);
  readable_ = first_read_size_ == kFirstReadBytes;
  first_read_size_ = 0;
}

// False when nothing came, or the connection ended.
bool Connection::ReadSome() {
  if (first_read_size_ > 0) {
    TakeFirstRead();
    return true;
  }
  const std::span<char> room = parser_.Prepare(kReadBytesMin);
  const IoResult result = stream_.Read(room);
  switch (result.status) {
    case IoStatus::kOk:
      CountRead(result.size);
      if (!stream_.is_tls() && result.size < room.size()) readable_ = false;
      return true;
    case IoStatus::kWantWrite:
      ArmWrite();
      [[fallthrough]];
    case IoStatus::kWantRead:
      readable_ = false;
      parser_.ReleaseIfEmpty();
      return false;
    case IoStatus::kEof:
      Close("client closed connection");
      return false;
    case IoStatus::kError:
      Close("reading from client: " + stream_.error());
      return false;
  }
  return false;
}

void Connection::RunBatch(const RequestBatch& batch) {
  const size_t given = batch.size();
  resumed_ = false;
  in_handler_ = true;
  const size_t done = handler_->OnRequests(batch);
  in_handler_ = false;
  parser_.Consume(std::min(done, given));
  if (done < given && !resumed_) paused_ = true;
  CheckOutputLimits();
  if (output_.size_bytes() > output_pause_bytes()) output_blocked_ = true;
}

void Connection::FailProtocol() {
  const std::string error(parser_.error());
  handler_->OnProtocolError(error);
  if (error.empty()) return Close("query buffer limit exceeded");
  reply_.Error(error);
  CountReply();
  CloseAfterReply();
  close_reason_ = error;
}

// The worker's turn is over and barriers up to `released` are in the log.
void Connection::EndTurn(uint64_t released) {
  if (state_ == State::kClosed) return;
  Seal(released);
  if (!write_armed_) WriteReleased();
  CheckOutputLimits();
  if (state_ == State::kClosed) return;
  if (HoldsOutput()) worker_.ListHeld(this);
  if (NeedsTick()) worker_.ListForTick(this);
  if (!readable_ && !read_armed_ && state_ != State::kDraining) ArmRead();
}

// Gives the output of this turn its barrier.
void Connection::Seal(uint64_t released) {
  const uint64_t end = output_.end_offset();
  if (end != sealed_offset_) {
    if (marks_.empty() && barrier_ <= released) {
      released_offset_ = end;
    } else {
      marks_.push_back({end, barrier_, replies_in_mark_});
    }
    sealed_offset_ = end;
    output_bytes_peak_ = std::max(output_bytes_peak_, output_.size_bytes());
  }
  replies_in_mark_ = 0;
  if (!marks_.empty()) ReleaseUpTo(released);
}

void Connection::ReleaseUpTo(uint64_t released) {
  auto first_held = marks_.begin();
  while (first_held != marks_.end() && first_held->barrier <= released) {
    released_offset_ = first_held->end_offset;
    first_held++;
  }
  marks_.erase(marks_.begin(), first_held);
}

uint64_t Connection::barrier_of_turn() const {
  return output_.end_offset() != sealed_offset_ ? barrier_ : 0;
}

// What speaks of failed commits is taken back; marks ascend by barrier, so it is a tail.
void Connection::FailAbove(uint64_t barrier, std::string_view error_line) {
  if (state_ == State::kClosed) return;
  Seal(0);
  const auto first_failed = std::find_if(
      marks_.begin(), marks_.end(), [barrier](const Mark& mark) { return mark.barrier > barrier; });
  if (first_failed == marks_.end()) return;

  uint32_t reply_count = 0;
  for (auto mark = first_failed; mark != marks_.end(); mark++) reply_count += mark->reply_count;
  marks_.erase(first_failed, marks_.end());
  const uint64_t kept_end = marks_.empty() ? released_offset_ : marks_.back().end_offset;
  output_.TruncateTo(kept_end);
  sealed_offset_ = kept_end;
  barrier_ = std::min(barrier_, barrier);

  for (uint32_t i = 0; i < reply_count; i++) reply_.Error(error_line);
  replies_in_mark_ = reply_count;
  worker_.ListInTurn(this);
}

void Connection::WriteReleased() {
  const uint64_t turn_end = output_.begin_offset() + kWriteBytesPerTurnMax;
  while (released_offset_ > output_.begin_offset()) {
    if (output_.begin_offset() >= turn_end) return ArmWrite();
    iovec pieces[kPiecesPerWrite];
    const size_t count =
        output_.Peek(pieces, kPiecesPerWrite, std::min(released_offset_, turn_end));
    const IoResult result = stream_.Write(pieces, count);
    output_.Consume(result.size);
    total_out_bytes_ += result.size;
    if (result.size > 0) {
      drain_progress_us_ = worker_.NowUs();
      worker_.socket_counters().writes.Add();
    }
    if (result.status == IoStatus::kError || result.status == IoStatus::kEof) {
      return Close("writing to client: " + stream_.error());
    }
    if (result.status == IoStatus::kWantRead) readable_ = false;
    if (result.status == IoStatus::kWantWrite) ArmWrite();
    if (result.status != IoStatus::kOk) break;
  }
  AfterWrite();
}

void Connection::AfterWrite() {
  if (sent_notice_ && state_ == State::kOpen) handler_->OnOutputSent();
  if (output_blocked_ && output_.size_bytes() <= output_pause_bytes()) {
    output_blocked_ = false;
    worker_.ListToRun(this);
  }
  if (state_ == State::kDraining && output_.empty()) {
    DiscardUnread();
    Close(close_reason_.empty() ? std::string("closed after reply") : close_reason_);
  }
}

// For asio a wait is an epoll_ctl each time; a read tries recv, which is cheaper and may find the
// next request. An end or an error is met again by the read that follows.
void Connection::ArmRead() {
  read_armed_ = true;
  if (stream_.is_tls() || worker_.connection_count() > kFirstReadsMax) {
    first_read_ = nullptr;
    return socket_.async_wait(asio::socket_base::wait_read,
                              [self = shared_from_this()](const asio::error_code& error) {
                                self->read_armed_ = false;
                                if (!error) self->OnReadable();
                              });
  }
  if (first_read_ == nullptr) first_read_ = std::make_unique<char[]>(kFirstReadBytes);
  socket_.async_read_some(asio::buffer(first_read_.get(), kFirstReadBytes),
                          [self = shared_from_this()](const asio::error_code& error, size_t size) {
                            self->read_armed_ = false;
                            self->first_read_size_ = size;
                            if (error != asio::error::operation_aborted) self->OnReadable();
                          });
}

void Connection::ArmWrite() {
  if (write_armed_) return;
  write_armed_ = true;
  socket_.async_wait(asio::socket_base::wait_write,
                     [self = shared_from_this()](const asio::error_code& error) {
                       self->write_armed_ = false;
                       if (!error) self->OnWritable();
                     });
}

void Connection::OnReadable() {
  if (state_ == State::kClosed) return;
  readable_ = true;
  if (paused_) return CheckPeer();
  Run();
}

void Connection::OnWritable() {
  if (state_ == State::kClosed) return;
  worker_.ListInTurn(this);
  if (!stream_.is_tls()) return;
  readable_ = true;  // a TLS read may have waited for this
  Run();
}

// A paused client is not read from, but that it left must be seen.
void Connection::CheckPeer() {
  pollfd watched{fd_, POLLRDHUP, 0};
  if (::poll(&watched, 1, 0) > 0) return Close("client closed connection");
  worker_.ListForTick(this);
}

bool Connection::NeedsTick() const {
  return state_ == State::kHandshaking || state_ == State::kDraining || (paused_ && readable_) ||
         soft_since_us_ != 0;
}

void Connection::Tick() {
  if (state_ == State::kClosed) return;
  const auto waited = [this](uint64_t since_us, std::chrono::microseconds limit) {
    return worker_.NowUs() - since_us > static_cast<uint64_t>(limit.count());
  };
  if (state_ == State::kHandshaking && waited(accepted_us_, kTlsHandshakeTimeout)) {
    return Close("TLS handshake timed out");
  }
  if (state_ == State::kDraining && !HoldsOutput() && waited(drain_progress_us_, kDrainTimeout)) {
    return Close("client did not read its last replies");
  }
  CheckOutputLimits();
  if (paused_ && readable_) CheckPeer();
}

void Connection::CheckOutputLimits() {
  if (state_ == State::kClosed) return;
  const size_t waiting = output_.size_bytes();
  const size_t size = waiting - std::min(waiting, kUncountedOutputBytes);
  if (hard_bytes_ != 0 && size > hard_bytes_) return Close("output buffer hard limit exceeded");
  if (soft_bytes_ == 0 || size <= soft_bytes_) {
    soft_since_us_ = 0;
    return;
  }
  const uint64_t now_us = worker_.NowUs();
  if (soft_since_us_ == 0) {
    soft_since_us_ = now_us;
    worker_.ListForTick(this);
  } else if (now_us - soft_since_us_ > soft_limit_us_) {
    Close("output buffer soft limit exceeded");
  }
}

// With a limit set, the limit is what the client must be able to run into.
size_t Connection::output_pause_bytes() const {
  if (hard_bytes_ != 0) return hard_bytes_ + kUncountedOutputBytes;
  return std::max(kOutputPauseBytes, soft_bytes_ == 0 ? 0 : soft_bytes_ + kUncountedOutputBytes);
}

// Closing with bytes unread would reset the connection and could destroy the last reply.
void Connection::DiscardUnread() {
  stream_.SayGoodbye();
  ::shutdown(fd_, SHUT_WR);
  char scratch[kReadBytesMin];
  for (size_t discarded = 0; discarded < kDiscardBytesMax;) {
    const ssize_t size = ::recv(fd_, scratch, sizeof(scratch), MSG_DONTWAIT);
    if (size <= 0) return;
    discarded += static_cast<size_t>(size);
  }
}

void Connection::FinishClose() {
  state_ = State::kClosed;
  reply_.DiscardAll();
  if (handler_ != nullptr) handler_->OnClose();
  output_.Clear();
  marks_.clear();
  asio::error_code ignored;
  socket_.close(ignored);
}

}  // namespace hearth
