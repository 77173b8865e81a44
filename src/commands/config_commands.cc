// CONFIG. Tested by tests/src/config_commands_test.cc.
#include <map>

#include "src/commands/groups.h"
#include "src/commands/server_commands.h"
#include "src/errors.h"
#include "src/server.h"
#include "src/session.h"

namespace hearth {

// CONFIG GET pattern [pattern...]
void ConfigGet(const Args& args, Session& session, Reply& reply) {
  std::map<std::string, std::pair<std::string, std::string>> found;  // by the directive's name
  for (const std::string_view pattern : args.subspan(2)) {
    const bool is_name = pattern.find_first_of("*?[") == std::string_view::npos;
    for (auto& [name, value] : session.server().config().Get(pattern)) {
      found.emplace(name, std::pair(is_name ? std::string(pattern) : name, value));
    }
  }
  reply.Map(found.size());
  for (const auto& [name, shown] : found) {
    reply.Bulk(shown.first);
    reply.Bulk(shown.second);
  }
}

// CONFIG SET name value [name value...]: all of it or nothing.
void ConfigSet(const Args& args, Session& session, Reply& reply) {
  if (args.size() % 2 != 0) return reply.Error(kErrSyntax);
  std::vector<std::pair<std::string, std::string>> pairs;
  for (size_t i = 2; i < args.size(); i += 2) pairs.emplace_back(args[i], args[i + 1]);
  const std::string error = session.server().config().Set(pairs);
  error.empty() ? reply.Ok() : reply.Error(error);
}

void ConfigRewrite(const Args&, Session& session, Reply& reply) {
  const std::string error = session.server().config().Rewrite();
  error.empty() ? reply.Ok() : reply.Error(error);
}

void ConfigResetStat(const Args&, Session& session, Reply& reply) {
  session.server().ResetStats();
  reply.Ok();
}

void ConfigHelp(const Args&, Session&, Reply& reply) {
  ReplyHelp(
      "CONFIG",
      {"GET <pattern>", "    Return parameters matching the glob-like <pattern> and their values.",
       "SET <directive> <value>", "    Set the configuration <directive> to <value>.", "RESETSTAT",
       "    Reset statistics reported by the INFO command.", "REWRITE",
       "    Rewrite the configuration file."},
      reply);
}

}  // namespace hearth
