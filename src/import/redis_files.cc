// Tested by tests/src/import/redis_files_test.cc.
#include "src/import/redis_files.h"

#include <filesystem>
#include <fstream>
#include <numeric>
#include <sstream>

#include "src/import/aof_manifest.h"

namespace hearth {
namespace {

namespace fs = std::filesystem;

// An error text, or "".
std::string AddFile(const std::string& path, RedisFiles* found) {
  std::error_code error;
  const uint64_t size = fs::file_size(path, error);
  if (error) return "The file " + path + " can't be read: " + error.message();
  found->files.push_back({path, size});
  return {};
}

// Whether there is something of that type at a path. What can't be looked at, or is something else,
// is an error: it may be what the data stand in.
std::string LookFor(const std::string& path, fs::file_type type, bool* is_there) {
  std::error_code error;
  const fs::file_status status = fs::status(path, error);
  *is_there = status.type() == type;
  if (status.type() == fs::file_type::none) return path + " can't be read: " + error.message();
  if (status.type() != fs::file_type::not_found) {
    return *is_there ? "" : path + " is no " + (type == fs::file_type::regular ? "file" : "folder");
  }
  const bool is_link = fs::is_symlink(fs::symlink_status(path, error));
  return is_link ? path + " is a link to what is not there" : "";
}

std::string ReadManifest(const std::string& dir, const std::string& path, RedisFiles* found) {
  std::ifstream in(path, std::ios::binary);
  std::ostringstream text;
  text << in.rdbuf();
  if (!in) return "The AOF manifest " + path + " can't be read";
  AofManifest manifest;
  if (const std::string error = manifest.Parse(text.str()); !error.empty()) {
    return "The AOF manifest " + path + ": " + error;
  }
  for (const std::string& name : manifest.files) {
    if (std::string error = AddFile(dir + "/" + name, found); !error.empty()) {
      return error + " (it stands in " + path + ")";
    }
  }
  return {};
}

// Files of an AOF without the manifest that says in which order: no guess is as good.
std::string RefuseStrays(const std::string& aof_dir, const std::string& manifest,
                         const std::string& prefix) {
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(aof_dir, error)) {
    const std::string name = entry.path().filename().string();
    if (name.starts_with(prefix + ".") && name.ends_with(".aof")) {
      return "There is " + entry.path().string() + ", but no " + manifest;
    }
  }
  return {};
}

}  // namespace

bool IsPath(const std::string& name) {
  return name.find('/') != std::string::npos;
}

uint64_t RedisFiles::size_bytes() const {
  return std::accumulate(files.begin(), files.end(), uint64_t{0},
                         [](uint64_t sum, const File& file) { return sum + file.size_bytes; });
}

std::string FindRedisFiles(const RedisFileNames& names, RedisFiles* found) {
  *found = {};
  for (const std::string& name : {names.dbfilename, names.appenddirname, names.appendfilename}) {
    if (IsPath(name)) return "'" + name + "' can't be a path, just a filename";
  }
  if (names.appenddirname.empty()) return "appenddirname can't be empty";
  if (names.appendfilename.empty()) return "appendfilename can't be empty";
  const std::string aof_dir = names.dir + "/" + names.appenddirname;
  const std::string manifest = aof_dir + "/" + names.appendfilename + ".manifest";
  const std::string old_aof = names.dir + "/" + names.appendfilename;
  const std::string rdb = names.dir + "/" + names.dbfilename;
  bool has_aof_dir = false, has_manifest = false, has_aof = false, has_rdb = false;
  std::string error = LookFor(aof_dir, fs::file_type::directory, &has_aof_dir);
  if (error.empty()) error = LookFor(manifest, fs::file_type::regular, &has_manifest);
  if (error.empty() && !has_manifest) error = LookFor(old_aof, fs::file_type::regular, &has_aof);
  if (error.empty() && !names.dbfilename.empty()) {
    error = LookFor(rdb, fs::file_type::regular, &has_rdb);
  }
  if (!error.empty()) return error;
  has_aof |= has_manifest;
  if (has_aof && has_rdb && !names.appendonly) {
    return "A Redis left " + (has_manifest ? manifest : old_aof) + " and " + rdb +
           ": say 'appendonly yes' to take over the first, 'appendonly no' the second";
  }
  if (has_aof && (!has_rdb || *names.appendonly)) {
    found->is_aof = true;
    found->name = has_manifest ? manifest : old_aof;
    return has_manifest ? ReadManifest(aof_dir, manifest, found) : AddFile(old_aof, found);
  }
  if (!has_rdb) return RefuseStrays(aof_dir, manifest, names.appendfilename);
  found->name = rdb;
  return AddFile(rdb, found);
}

}  // namespace hearth
