// Tested by tests/src/config_commands_test.cc and tests/src/acl/acl_file_test.cc.
#include "src/replace_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>

namespace hearth {

std::string ReplaceFile(const std::string& path, const std::string& contents) {
  const std::string temporary = path + ".rewrite";
  const int fd = ::open(temporary.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  struct stat old;
  bool good =
      fd >= 0 && (::stat(path.c_str(), &old) != 0 || ::fchmod(fd, old.st_mode & 07777) == 0);
  size_t written = 0;
  while (good && written < contents.size()) {
    const ssize_t size = ::write(fd, contents.data() + written, contents.size() - written);
    good = size > 0;
    if (good) written += static_cast<size_t>(size);
  }
  good = good && ::fsync(fd) == 0;
  int error = errno;
  if (fd >= 0 && ::close(fd) != 0 && good) {
    good = false;
    error = errno;
  }
  if (good && std::rename(temporary.c_str(), path.c_str()) != 0) {
    good = false;
    error = errno;
  }
  if (!good) {
    if (fd >= 0) ::unlink(temporary.c_str());
    return std::strerror(error);
  }
  const std::string dir = path.substr(0, path.rfind('/') + 1);
  const int dir_fd = ::open(dir.empty() ? "." : dir.c_str(), O_RDONLY | O_CLOEXEC);
  good = dir_fd >= 0 && ::fsync(dir_fd) == 0;
  error = errno;
  if (dir_fd >= 0) ::close(dir_fd);
  return good ? std::string() : std::strerror(error);
}

}  // namespace hearth
