// Tested by tests/replication/to_redis_test.py.
#include "src/replication/redis_feed.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <sstream>

#include "src/log.h"
#include "src/rdb_export.h"
#include "src/replication/replica_link.h"
#include "src/replication/replication.h"
#include "src/server.h"

namespace hearth {
namespace {

constexpr std::string_view kFilePrefix = "export-";

std::string DataDir(Server& server) {
  return server.engine().store().options().dir;
}

}  // namespace

UnnamedFile::~UnnamedFile() {
  close(fd_);
}

Status UnnamedFile::Read(uint64_t offset, size_t size, std::string* bytes) const {
  bytes->resize(size);
  for (size_t done = 0; done < size;) {
    const ssize_t got =
        pread(fd_, bytes->data() + done, size - done, static_cast<off_t>(offset + done));
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return Status::IoError(got == 0 ? "the file is short" : std::strerror(errno));
    done += static_cast<size_t>(got);
  }
  return Status::Ok();
}

RedisFeed::RedisFeed(Server& server) : server_(server) {}

void RedisFeed::Start() {
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(DataDir(server_), error)) {
    const std::string name = entry.path().filename();
    if (name.starts_with(kFilePrefix) && name.ends_with(".rdb")) {
      std::filesystem::remove(entry.path(), error);
    }
  }
  FollowLazyDirective("lazyfree-lazy-eviction", LazyDeletion::kEviction);
  FollowLazyDirective("lazyfree-lazy-expire", LazyDeletion::kExpiry);
  FollowLazyDirective("lazyfree-lazy-server-del", LazyDeletion::kServer);
  FollowLazyDirective("lazyfree-lazy-user-del", LazyDeletion::kUser);
  thread_ = std::thread([this] { Main(); });
}

void RedisFeed::FollowLazyDirective(const char* name, LazyDeletion kind) {
  const auto read = [this, name, kind] {
    stream_.SetLazy(kind, server_.config().Bool(name));
    return true;
  };
  read();
  server_.config().OnChange(name, [read](std::string*) { return read(); });
}

void RedisFeed::Stop() {
  {
    std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wanted_.notify_all();
  if (thread_.joinable()) thread_.join();
}

void RedisFeed::WriteFile(std::shared_ptr<Job> job) {
  {
    std::lock_guard lock(mutex_);
    jobs_.push_back(std::move(job));
  }
  wanted_.notify_all();
}

bool RedisFeed::MayAsk(const std::string& address) {
  constexpr int64_t kPauseUs = 1'000'000;
  constexpr size_t kAddressesMax = 1024;
  const int64_t now_us = LinkNowUs();
  std::lock_guard lock(mutex_);
  if (asked_us_.size() >= kAddressesMax) {
    std::erase_if(asked_us_, [&](const auto& asked) { return now_us - asked.second > kPauseUs; });
    if (asked_us_.size() >= kAddressesMax) return false;
  }
  int64_t& asked_us = asked_us_[address];
  if (asked_us != 0 && now_us - asked_us < kPauseUs) return false;
  asked_us = now_us;
  return true;
}

void RedisFeed::Leave(Job* job, uint64_t follower) {
  if (job != nullptr) job->is_given_up = true;
  stream_.Detach(follower);
}

void RedisFeed::Main() {
  std::unique_lock lock(mutex_);
  for (;;) {
    wanted_.wait(lock, [this] { return stopping_ || !jobs_.empty(); });
    if (stopping_) return;
    const std::shared_ptr<Job> job = std::move(jobs_.front());
    jobs_.pop_front();
    lock.unlock();
    Run(*job);
    lock.lock();
  }
}

void RedisFeed::Run(Job& job) {
  if (job.is_given_up) return;
  std::shared_ptr<UnnamedFile> file;
  const Status status = WriteFile(job, &file);
  // Its follower left while it was being attached.
  if (job.is_given_up) return stream_.Detach(job.follower);
  if (!stopping_) job.on_end(std::move(file), status);
}

// As much as Redis lets a replica's output grow.
void RedisFeed::ReadLimits() {
  constexpr uint64_t kHeldBytesMax = uint64_t{1} << 30;  // where there is no limit
  uint64_t held_max = kHeldBytesMax;
  std::istringstream words(server_.config().Text("client-output-buffer-limit"));
  std::string name;
  uint64_t hard, soft, seconds;
  while (words >> name >> hard >> soft >> seconds) {
    if ((name == "replica" || name == "slave") && hard != 0) held_max = hard;
  }
  stream_.SetLimits(server_.FeedLimitsOfConfig().ring_bytes_max, held_max);
}

// Everything behind *seq goes into the stream, and is held for the follower: the view comes later.
Status RedisFeed::BeginStream(const Job& job, uint64_t* seq) {
  Tx tx(server_.keyspace(), {}, server_.clock().WallMs(), {.lock_all = true});
  if (server_.engine().is_replica()) return Status::Invalid("this server follows another Hearth");
  ReadLimits();
  stream_.Begin();
  server_.keyspace().SetGoneListener(&gone_);
  tx.SawAllRows();
  *seq = tx.barrier();
  (void)stream_.Attach(job.follower, *seq);
  return Status::Ok();
}

Status RedisFeed::WriteFile(Job& job, std::shared_ptr<UnnamedFile>* file) {
  CommitLog& log = server_.engine().log();
  uint64_t seq = log.joined_seq();
  if (job.has_stream) {
    if (Status status = BeginStream(job, &seq); !status.ok()) return status;
  }
  if (!log.CommitAndWait(seq)) return Status::IoError("the log has failed");
  RdbExport rdb(server_.engine());
  const CommandStream::Start start =
      job.has_stream ? stream_.Attach(job.follower, rdb.seq()) : CommandStream::Start{};
  if (job.is_given_up) return Status::Ok();
  if (job.has_stream && start.id.empty()) return Status::Busy("the stream was not kept so long");
  job.on_begin(start, rdb.seq());

  static std::atomic<uint64_t> count{0};
  const std::string path = DataDir(server_) + "/" + std::string(kFilePrefix) +
                           std::to_string(getpid()) + "-" + std::to_string(++count) + ".rdb";
  RdbExportOptions options;
  options.keys = !job.functions_only;
  options.cancelled = [this, &job] { return stopping_ || job.is_given_up; };
  if (job.has_stream) {
    options.aux = {{"repl-id", start.id}, {"repl-offset", std::to_string(start.offset)}};
  }
  if (Status status = rdb.Write(path, options, nullptr); !status.ok()) return status;
  const int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  const int error = errno;
  const off_t size = fd < 0 ? -1 : lseek(fd, 0, SEEK_END);
  unlink(path.c_str());
  if (fd < 0) return Status::IoError(path + ": " + std::strerror(error));
  *file = std::make_shared<UnnamedFile>(fd, static_cast<uint64_t>(size));
  return Status::Ok();
}

void RedisFeed::EndStream() {
  if (!stream_.active()) return;
  Tx tx(server_.keyspace(), {}, server_.clock().WallMs(), {.lock_all = true});
  stream_.End();
  server_.keyspace().SetGoneListener(nullptr);
}

void RedisFeed::Tick() {
  if (!stream_.active()) return;
  ReadLimits();
  const Config& config = server_.config();
  const int64_t now_us = LinkNowUs();
  const int64_t alone_us = stream_.alone_since_us();
  if (alone_us != 0) {
    const int64_t ttl_us = config.Int("repl-backlog-ttl") * 1'000'000;
    if (ttl_us != 0 && now_us - alone_us > ttl_us) {
      server_.engine().RunOnReaders([this] {
        if (stream_.alone_since_us() != 0) EndStream();
      });
    }
    return;
  }
  if (now_us - pinged_us_ < config.Int("repl-ping-replica-period") * 1'000'000) return;
  pinged_us_ = now_us;
  constexpr std::string_view kPing = "PING";
  stream_.AppendLoose({std::nullopt, StreamWords({&kPing, 1})});
  server_.replication().replicas().OnCommit();
}

}  // namespace hearth
