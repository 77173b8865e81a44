// The server's part in users: how they start, and who follows their changes.
// Tested by tests/src/acl/acl_file_test.cc and tests/src/acl/acl_commands_test.cc.
#include <cerrno>
#include <cstring>
#include <fstream>
#include <sstream>

#include "src/acl/users.h"
#include "src/log.h"
#include "src/redis_text.h"
#include "src/replace_file.h"
#include "src/server.h"
#include "src/session.h"

namespace hearth {

std::string Server::StartUsers() {
  if (std::string error = RenameCommands(); !error.empty()) return error;
  users_.SetAllChannelsByDefault(config_.Text("acl-pubsub-default") == "allchannels");
  acl_log_.SetSizeMax(static_cast<size_t>(config_.Int("acllog-max-len")));
  AclChange change;
  const std::string password = config_.Text("requirepass");
  if (!password.empty()) users_.SetDefaultPassword(password, &change);
  if (std::string error = DeclareUsers(); !error.empty()) return error;
  if (AclFile().empty()) return {};
  if (!config_.Lines("user").empty()) {
    return "Configuring Redis with users defined in redis.conf and at the same setting an ACL file "
           "path is invalid. This setup is very likely to lead to configuration errors and "
           "security holes, please define either an ACL file or declare users directly in your "
           "redis.conf, but not both.";
  }
  const std::string error = LoadAclFile(&change);
  return error.empty() ? error : "Aborting Redis startup because of ACL errors: " + error;
}

std::string Server::RenameCommands() {
  for (const Config::Line& line : config_.Lines("rename-command")) {
    const std::string error = line.words.size() == 2
                                  ? commands_.Rename(line.words[0], line.words[1])
                                  : "Bad directive or wrong number of arguments";
    if (!error.empty()) return Config::LineError(line, error);
  }
  return {};
}

std::string Server::DeclareUsers() {
  for (const Config::Line& line : config_.Lines("user")) {
    const std::string error = line.words.empty() ? "Bad directive or wrong number of arguments"
                                                 : users_.Declare(line.words);
    if (!error.empty()) return Config::LineError(line, error);
    if (users_.Find(line.words[0])->enabled()) continue;
    Log(LogLevel::kNotice, "The user '" + line.words[0] +
                               "' is disabled (there is no 'on' modifier in the user description). "
                               "Make sure this is not a configuration error.");
  }
  return {};
}

void Server::WatchAclConfig() {
  const auto follow = [this](const AclChange& change) {
    if (change.concerns_clients()) FollowAclChange(*workers_[0], change, 0, [](bool) {});
  };
  config_.OnChange("requirepass", [this, follow](std::string*) {
    AclChange change;
    users_.SetDefaultPassword(config_.Text("requirepass"), &change);
    follow(change);
    return true;
  });
  config_.OnChange("acl-pubsub-default", [this](std::string*) {
    users_.SetAllChannelsByDefault(config_.Text("acl-pubsub-default") == "allchannels");
    return true;
  });
  config_.OnChange("acllog-max-len", [this](std::string*) {
    acl_log_.SetSizeMax(static_cast<size_t>(config_.Int("acllog-max-len")));
    return true;
  });
  config_.OnRewrite("user", [this] {
    std::vector<std::string> lines;
    if (!AclFile().empty()) return lines;
    for (const AclUserPtr& user : users_.All()) {
      // Quoted word by word: the configuration's quotes are no part of a pattern.
      std::string line = "user " + QuoteWord(user->name());
      std::istringstream words(user->Describe());
      for (std::string word; std::getline(words, word, ' ');) line += " " + QuoteWord(word);
      lines.push_back(line);
    }
    return lines;
  });
}

std::string Server::AclFilePath() const {
  const std::string name = AclFile();
  return name.starts_with('/') ? name : config_.Text("dir") + "/" + name;
}

std::string Server::LoadAclFile(AclChange* change) {
  std::lock_guard lock(acl_file_mutex_);
  std::ifstream file(AclFilePath(), std::ios::binary);
  std::ostringstream contents;
  if (file) contents << file.rdbuf();
  if (!file) {
    return "Error loading ACLs, opening file '" + AclFile() + "': " + std::strerror(errno);
  }
  const std::string error = users_.Load(AclFile(), contents.view(), change);
  if (!error.empty()) Log(LogLevel::kWarning, error);
  return error;
}

std::string Server::ReplaceAclFile(const std::string& contents) {
  std::lock_guard lock(acl_file_mutex_);
  return ReplaceFile(AclFilePath(), contents);
}

void Server::FollowAclChange(Worker& asking, const AclChange& change, uint64_t own_id,
                             std::function<void(bool close_own)> done) {
  auto close_own = std::make_shared<std::atomic<bool>>(false);
  OnAllWorkers(
      asking,
      [change, own_id, close_own](Worker& worker) {
        worker.ForEachConnection([&](Connection& connection) {
          if (connection.handler() == nullptr) return;
          if (static_cast<Session&>(*connection.handler()).FollowAclChange(change)) return;
          connection.id() == own_id ? void(*close_own = true)
                                    : connection.Close("its user's permissions have changed");
        });
      },
      [close_own, done = std::move(done)] { done(*close_own); });
}

}  // namespace hearth
