// Tested by tests/engine/watermark_test.cc.
#include "engine/watermark.h"

#include <fstream>
#include <memory>
#include <sstream>

#include "engine/store.h"

namespace hearth {
namespace {

constexpr char kHeader[] = "hearth-mark 1";
constexpr size_t kReadChunk = 64 << 10;

}  // namespace

Status WriteFileAtomically(rocksdb::FileSystem* file_system, const std::string& dir,
                           const std::string& name, const std::string& contents) {
  const rocksdb::IOOptions io;
  const std::string path = dir + "/" + name;
  const std::string temporary = path + ".tmp";
  std::unique_ptr<rocksdb::FSWritableFile> file;
  rocksdb::IOStatus status =
      file_system->NewWritableFile(temporary, rocksdb::FileOptions(), &file, nullptr);
  if (status.ok()) status = file->Append(contents, io, nullptr);
  if (status.ok()) status = file->Fsync(io, nullptr);
  if (file != nullptr) {
    const rocksdb::IOStatus closed = file->Close(io, nullptr);
    if (status.ok()) status = closed;
  }
  if (status.ok()) status = file_system->RenameFile(temporary, path, io, nullptr);
  std::unique_ptr<rocksdb::FSDirectory> directory;
  if (status.ok()) status = file_system->NewDirectory(dir, io, &directory, nullptr);
  if (status.ok()) status = directory->Fsync(io, nullptr);
  return FromRocks(status);
}

Status ReadWholeFile(rocksdb::FileSystem* file_system, const std::string& path,
                     std::string* contents) {
  const rocksdb::IOOptions io;
  std::unique_ptr<rocksdb::FSSequentialFile> file;
  rocksdb::IOStatus status =
      file_system->NewSequentialFile(path, rocksdb::FileOptions(), &file, nullptr);
  contents->clear();
  std::string chunk(kReadChunk, '\0');
  while (status.ok()) {
    rocksdb::Slice read;
    status = file->Read(chunk.size(), io, &read, chunk.data(), nullptr);
    if (read.empty()) break;
    contents->append(read.data(), read.size());
  }
  if (status.IsPathNotFound()) return Status::NotFound(status.ToString());
  return FromRocks(status);
}

Status ReadWatermark(rocksdb::FileSystem* file_system, const std::string& dir, Watermark* mark) {
  std::string contents;
  const std::string path = dir + "/" + kWatermarkName;
  if (Status status = ReadWholeFile(file_system, path, &contents); !status.ok()) return status;
  std::istringstream lines(contents);
  std::string line;
  bool ended = false;
  if (!std::getline(lines, line) || line != kHeader) {
    return Status::Corruption(path + " is damaged");
  }
  while (std::getline(lines, line)) {
    std::istringstream words(line);
    std::string name;
    words >> name;
    if (name == "synced-seq") words >> mark->synced_seq;
    if (name == "clean") words >> mark->clean;
    if (name == "boot-id") words >> mark->boot_id;
    ended = name == "end";
  }
  if (!ended) return Status::Corruption(path + " is damaged");
  return Status::Ok();
}

Status WriteWatermark(rocksdb::FileSystem* file_system, const std::string& dir,
                      const Watermark& mark) {
  std::ostringstream text;
  text << kHeader << "\nsynced-seq " << mark.synced_seq << "\nclean " << (mark.clean ? 1 : 0)
       << "\nboot-id " << mark.boot_id << "\nend\n";
  return WriteFileAtomically(file_system, dir, kWatermarkName, text.str());
}

std::string BootId() {
  std::ifstream file("/proc/sys/kernel/random/boot_id");
  std::string id;
  file >> id;
  return id;
}

}  // namespace hearth
