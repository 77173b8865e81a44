// Tested by tests/net/worker_test.cc and tests/net/connection_test.cc.
#include "net/worker.h"

#include <pthread.h>
#include <unistd.h>

#include <algorithm>
#include <asio/executor_work_guard.hpp>
#include <asio/post.hpp>
#include <csignal>

#include "net/time_slice.h"

namespace hearth {
namespace {

thread_local Worker* current_worker = nullptr;

// OpenSSL writes to sockets without MSG_NOSIGNAL.
void BlockSigpipe() {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGPIPE);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
}

}  // namespace

Worker::Worker(int index) : index_(index) {}

Worker::~Worker() {
  if (thread_.joinable()) {
    Stop();
    Join();
  }
}

Worker* Worker::Current() {
  return current_worker;
}

void Worker::Start() {
  thread_ = std::thread([this] { Loop(); });
  const std::string name = "worker-" + std::to_string(index_);
  pthread_setname_np(thread_.native_handle(), name.substr(0, 15).c_str());
}

void Worker::Stop() {
  Post([this] { stopping_ = true; });
}

void Worker::Join() {
  if (thread_.joinable()) thread_.join();
}

void Worker::Post(std::function<void()> function) {
  asio::post(io_,
             [this, function = std::move(function)]() mutable { RunOrDefer(std::move(function)); });
}

void Worker::RunOrDefer(std::function<void()> function) {
  if (nested_) [[unlikely]] {
    deferred_.push_back(std::move(function));
  } else {
    function();
  }
}

void Worker::RunAfter(std::chrono::milliseconds delay, std::function<void()> function) {
  auto timer = std::make_shared<asio::steady_timer>(io_, delay);
  timer->async_wait([this, timer, function = std::move(function)](const asio::error_code& error) {
    if (!error) RunOrDefer(function);
  });
}

void Worker::SetCron(std::chrono::milliseconds period, std::function<void()> function) {
  auto timer = std::make_shared<asio::steady_timer>(io_, period);
  RunCron(timer, period, std::make_shared<std::function<void()>>(std::move(function)));
}

void Worker::RunCron(const std::shared_ptr<asio::steady_timer>& timer,
                     std::chrono::milliseconds period,
                     const std::shared_ptr<std::function<void()>>& function) {
  timer->async_wait([this, timer, period, function](const asio::error_code& error) {
    if (error || stopping_) return;
    if (!nested_) (*function)();
    timer->expires_after(period);
    RunCron(timer, period, function);
  });
}

void Worker::Adopt(AcceptedSocket socket, ConnectionFactory factory) {
  asio::post(io_, [this, socket = std::move(socket), factory = std::move(factory)] {
    AdoptHere(socket, factory);
  });
}

void Worker::AdoptHere(AcceptedSocket socket, const ConnectionFactory& factory) {
  if (stopping_) {
    SSL_free(socket.tls_session);
    ::close(socket.fd);
    connection_count_.fetch_sub(1, std::memory_order_relaxed);
    return;
  }
  auto connection = std::make_shared<Connection>(*this, std::move(socket));
  connections_.emplace(connection->id(), connection);
  connection->Start(factory(*connection));
}

void Worker::ForEachConnection(const std::function<void(Connection&)>& function) {
  for (const auto& [id, connection] : connections_) {
    if (!connection->is_closed()) function(*connection);
  }
}

std::shared_ptr<Connection> Worker::FindConnection(uint64_t id) {
  const auto found = connections_.find(id);
  return found == connections_.end() ? nullptr : found->second;
}

void Worker::Release(uint64_t up_to) {
  Post([this, up_to] { ReleaseHere(up_to); });
}

void Worker::FailHeld(uint64_t above, std::string error_line, std::function<void()> done) {
  Post([this, above, error_line = std::move(error_line), done = std::move(done)] {
    FailHere(above, error_line);
    if (done) done();
  });
}

// The turn's end sends what this releases.
void Worker::ReleaseHere(uint64_t up_to) {
  released_ = std::max(released_, up_to);
  for (Connection* connection : held_) ListInTurn(connection);
}

void Worker::FailHere(uint64_t above, const std::string& error_line) {
  for (size_t i = 0; i < turn_.size(); i++) turn_[i]->FailAbove(above, error_line);
  for (size_t i = 0; i < held_.size(); i++) {
    if (!held_[i]->in_turn_) held_[i]->FailAbove(above, error_line);
  }
}

size_t Worker::CloseIdle(uint32_t idle_seconds, const std::function<bool(Connection&)>& may_close) {
  const uint64_t idle_us = idle_seconds * 1000000ULL;
  size_t closed_count = 0;
  for (const auto& [id, connection] : connections_) {
    if (connection->is_closed() || NowUs() - connection->last_interaction_us() <= idle_us) continue;
    if (!may_close(*connection)) continue;
    connection->Close("idle for too long");
    closed_count++;
  }
  return closed_count;
}

uint64_t Worker::NowUs() {
  if (now_us_ == 0) {
    const auto now = std::chrono::steady_clock::now().time_since_epoch();
    now_us_ =
        static_cast<uint64_t>(std::chrono::duration_cast<std::chrono::microseconds>(now).count());
  }
  return now_us_;
}

void Worker::Loop() {
  current_worker = this;
  BlockSigpipe();
  AskForTimeSlice(kWorkerSliceNs);
  const auto work = asio::make_work_guard(io_);
  ScheduleTick();
  while (!stopping_) RunTurn();
  CloseAll();
  current_worker = nullptr;
}

// Looking whether more is ready costs a system call; with one connection it rarely is.
void Worker::RunTurn() {
  const bool may_wait = run_queue_.empty() && turn_.empty();
  size_t ran_count = may_wait ? WaitForWork() : io_.poll_one();
  if (connections_.size() > 1 || !run_queue_.empty()) {
    while (ran_count < kHandlersPerTurnMax && io_.poll_one() != 0) ran_count++;
  }
  RunQueued();
  if (!deferred_.empty()) [[unlikely]] {
    std::vector<std::function<void()>> deferred;
    deferred.swap(deferred_);
    for (const auto& function : deferred) function();
  }
  EndTurn();
}

size_t Worker::WaitForWork() {
  const int looks = idle_looks_.count();
  for (int i = 0; i < looks; i++) {
    if (io_.poll_one() != 0) {
      idle_looks_.NoteFound();
      return 1;
    }
    std::this_thread::yield();
  }
  if (looks > 0) idle_looks_.NoteNothing();
  if (!idle_looks_.measures_sleep()) return io_.run_one();
  const auto begin = std::chrono::steady_clock::now();
  const size_t ran_count = io_.run_one();
  idle_looks_.NoteSlept(std::chrono::steady_clock::now() - begin);
  return ran_count;
}

// The batch and the turn of the handler that runs stay as they are.
void Worker::RunNested() {
  if (nested_) return;
  nested_ = true;
  RequestBatch batch;
  std::swap(batch, batch_);
  std::vector<Connection*> turn;
  turn.swap(turn_);
  std::erase_if(turn, [this](Connection* connection) {
    if (connection->in_handler_) return false;
    turn_.push_back(connection);
    return true;
  });
  // asio counts what a handler starts as work once it ends, and what runs in it as done at once:
  // without a count for each the loop would come to its end.
  for (size_t i = 0; i < kHandlersPerTurnMax && io_.poll_one() != 0; ++i) {
    io_.get_executor().on_work_started();
  }
  std::vector<Connection*> running;
  running.swap(run_queue_);
  for (Connection* connection : running) connection->in_run_queue_ = false;
  for (Connection* connection : running) connection->Run();
  for (size_t i = 0; i < turn_.size(); i++) {
    turn_[i]->in_turn_ = false;
    turn_[i]->EndTurn(released_);
  }
  turn_.swap(turn);
  for (Connection* connection : held_) ListInTurn(connection);
  std::swap(batch, batch_);
  nested_ = false;
}

void Worker::RunQueued() {
  running_.swap(run_queue_);
  for (Connection* connection : running_) connection->in_run_queue_ = false;
  for (Connection* connection : running_) connection->Run();
  running_.clear();
}

void Worker::EndTurn() {
  uint64_t barrier = 0;
  for (const Connection* connection : turn_) {
    barrier = std::max(barrier, connection->barrier_of_turn());
  }
  CommitResult result;
  if (hook_ != nullptr) {
    result = hook_->CommitTurn(barrier);
    released_ = std::max(released_, result.released_up_to);
  } else {
    released_ = UINT64_MAX;
  }
  idle_looks_.NoteTurn(turn_.size() > 1);
  for (size_t i = 0; i < turn_.size(); i++) {
    turn_[i]->in_turn_ = false;
    turn_[i]->EndTurn(released_);
  }
  if (result.follow_turn) [[unlikely]]
    hook_->FollowTurn(turn_);
  turn_.clear();
  std::erase_if(held_, [](Connection* connection) {
    return !(connection->in_held_ = connection->HoldsOutput());
  });
  CloseFinished();
  now_us_ = 0;
  turn_count_++;
}

// A handler's OnClose() may write to other connections or close them: they are in the next turn.
void Worker::CloseFinished() {
  while (!to_close_.empty()) {
    std::vector<std::shared_ptr<Connection>> closing;
    closing.swap(to_close_);
    for (const auto& connection : closing) {
      connection->FinishClose();
      connections_.erase(connection->id());
      connection_count_.fetch_sub(1, std::memory_order_relaxed);
      Connection* const gone = connection.get();
      if (gone->in_turn_) std::erase(turn_, gone);
      if (gone->in_run_queue_) std::erase(run_queue_, gone);
      if (gone->in_held_) std::erase(held_, gone);
      if (gone->in_tick_) std::erase(ticked_, gone);
    }
  }
}

void Worker::CloseAll() {
  for (const auto& [id, connection] : connections_) connection->Close("server stops");
  CloseFinished();
  tick_timer_.cancel();
  io_.poll();  // what was waiting ends here, not in the destructor's thread
  CloseFinished();
  io_.stop();
}

void Worker::ScheduleTick() {
  tick_timer_.expires_after(kTickPeriod);
  tick_timer_.async_wait([this](const asio::error_code& error) {
    if (error || stopping_) return;
    if (!nested_) Tick();
    ScheduleTick();
  });
}

void Worker::Tick() {
  std::vector<Connection*> ticked;
  ticked.swap(ticked_);
  for (Connection* connection : ticked) connection->in_tick_ = false;
  for (Connection* connection : ticked) {
    connection->Tick();
    if (connection->NeedsTick()) ListForTick(connection);
  }
}

void Worker::ListInTurn(Connection* connection) {
  if (connection->in_turn_) return;
  connection->in_turn_ = true;
  turn_.push_back(connection);
}

void Worker::ListToRun(Connection* connection) {
  if (connection->in_run_queue_) return;
  connection->in_run_queue_ = true;
  run_queue_.push_back(connection);
}

void Worker::ListHeld(Connection* connection) {
  if (connection->in_held_) return;
  connection->in_held_ = true;
  held_.push_back(connection);
}

void Worker::ListForTick(Connection* connection) {
  if (connection->in_tick_) return;
  connection->in_tick_ = true;
  ticked_.push_back(connection);
}

void Worker::ListToClose(std::shared_ptr<Connection> connection) {
  to_close_.push_back(std::move(connection));
}

}  // namespace hearth
