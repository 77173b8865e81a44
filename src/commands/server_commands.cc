// INFO, TIME and LOLWUT. Tested by tests/src/server_test.cc.
#include "src/commands/server_commands.h"

#include <ctime>

#include "src/commands/groups.h"
#include "src/errors.h"
#include "src/info.h"
#include "src/numbers.h"
#include "src/redis_text.h"
#include "src/server.h"
#include "src/session.h"

namespace hearth {

// INFO [section...]
void Info(const Args& args, Session& session, Reply& reply) {
  std::vector<std::string> sections;
  for (const std::string_view arg : args.subspan(1)) sections.push_back(ToLower(arg));
  reply.Verbatim("txt", InfoText(session.server(), sections));
}

void Time(const Args&, Session&, Reply& reply) {
  timespec now;
  clock_gettime(CLOCK_REALTIME, &now);
  reply.Array(2);
  reply.Bulk(std::to_string(now.tv_sec));
  reply.Bulk(std::to_string(now.tv_nsec / 1000));
}

// LOLWUT [VERSION version]: tools read the name of what Hearth speaks as.
void Lolwut(const Args& args, Session&, Reply& reply) {
  if (args.size() >= 3 && ToLower(args[1]) == "version" && !ParseInt64(args[2])) {
    return reply.Error(kErrNotInteger);
  }
  constexpr std::string_view kPicture =
      "      (\n"
      "     ) )\n"
      "    ( ( )\n"
      "   _)__(_\n"
      "  |______|\n\n"
      "Hearth ver. " HEARTH_VERSION ", Redis ver. ";
  reply.Verbatim("txt", std::string(kPicture) + std::string(kRedisVersion) + "\n");
}

}  // namespace hearth
