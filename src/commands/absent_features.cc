// MODULE and CLUSTER, as a server without modules and without cluster support answers them.
// Tested by tests/src/monitor_test.cc.
#include "src/commands/groups.h"
#include "src/commands/introspection.h"

namespace hearth {

void ClusterDisabled(const Args&, Session&, Reply& reply) {
  reply.Error("ERR This instance has cluster support disabled");
}

void ModuleList(const Args&, Session&, Reply& reply) {
  reply.Array(0);
}

void ModuleChange(const Args&, Session&, Reply& reply) {
  reply.Error(
      "ERR MODULE command not allowed. If the enable-module-command option is set to \"local\", "
      "you can run it from a local connection, otherwise you need to set this option in the "
      "configuration file, and then restart the server.");
}

void ModuleHelp(const Args&, Session&, Reply& reply) {
  ReplyHelp("MODULE",
            {"LIST", "    Return a list of loaded modules.", "LOAD <path> [<arg> ...]",
             "    Load a module library from <path>, passing to it any optional arguments.",
             "LOADEX <path> [[CONFIG NAME VALUE] [CONFIG NAME VALUE]] [ARGS ...]",
             "    Load a module library from <path>, while passing it module configurations and "
             "optional arguments.",
             "UNLOAD <name>", "    Unload a module."},
            reply);
}

}  // namespace hearth
