// Tested by tests/engine/dir_lock_test.cc and tests/conf_test.py.
#include "engine/dir_lock.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>

#include "engine/check.h"

namespace hearth {

DirLock::~DirLock() {
  if (fd_ >= 0) ::close(fd_);
}

Status DirLock::Take(const std::string& dir) {
  HEARTH_CHECK(fd_ < 0);
  const int fd = ::open((dir + "/hearth.lock").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (fd < 0) return Status::Ok();
  char owner[32] = {};
  if (::flock(fd, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK) {
    const ssize_t size = ::read(fd, owner, sizeof(owner) - 1);
    ::close(fd);
    const std::string pid(owner, size > 0 ? static_cast<size_t>(size) : 0);
    return Status::Busy((pid.empty() ? "another process" : "process " + pid) + " has " + dir +
                        " open");
  }
  const std::string pid = std::to_string(::getpid());
  // For people: that it can't be told is no reason not to go on.
  if (::ftruncate(fd, 0) == 0) (void)!::write(fd, pid.data(), pid.size());
  fd_ = fd;
  return Status::Ok();
}

}  // namespace hearth
