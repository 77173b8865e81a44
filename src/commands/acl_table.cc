// Tested by tests/src/command_commands_test.cc.
//
// The rows of ACL: what COMMAND INFO and COMMAND DOCS of Redis print.
#include "src/commands/acl.h"
#include "src/commands/groups.h"

namespace hearth {
namespace {

constexpr uint32_t kAdminFlags = kCmdAdmin | kCmdNoscript | kCmdLoading | kCmdStale;
// They answer when other workers have followed, or a file is read or written.
constexpr uint32_t kChangeFlags = kAdminFlags | kCmdOutsideTx;

constexpr ArgDoc kCatArguments[] = {
    {.name = "categoryname", .type = "string", .flags = "optional"},
};

constexpr ArgDoc kDelUserArguments[] = {
    {.name = "username", .type = "string", .flags = "multiple"},
};

constexpr ArgDoc kDryRunArguments[] = {
    {.name = "username", .type = "string"},
    {.name = "command", .type = "string"},
    {.name = "arg", .type = "string", .flags = "optional multiple"},
};

constexpr ArgDoc kGenPassArguments[] = {
    {.name = "bits", .type = "integer", .flags = "optional"},
};

constexpr ArgDoc kUserArguments[] = {
    {.name = "username", .type = "string"},
};

constexpr ArgDoc kLogOperationArguments[] = {
    {.name = "count", .type = "integer"},
    {.name = "reset", .type = "pure-token", .token = "RESET"},
};

constexpr ArgDoc kLogArguments[] = {
    {.name = "operation", .type = "oneof", .flags = "optional", .children = kLogOperationArguments},
};

constexpr ArgDoc kSetUserArguments[] = {
    {.name = "username", .type = "string"},
    {.name = "rule", .type = "string", .flags = "optional multiple"},
};

constexpr std::string_view kGetUserHistory[] = {
    "6.2.0", "Added Pub/Sub channel patterns.", "7.0.0",
    "Added selectors and changed the format of key and channel patterns from a list to their rule "
    "representation."};

constexpr std::string_view kLogHistory[] = {
    "7.2.0", "Added entry ID, timestamp created, and timestamp last updated."};

constexpr std::string_view kSetUserHistory[] = {"6.2.0", "Added Pub/Sub channel patterns.", "7.0.0",
                                                "Added selectors and key based permissions."};

constexpr Command kAclSubcommands[] = {
    {.name = "acl|cat",
     .arity = -2,
     .flags = kCmdNoscript | kCmdLoading | kCmdStale,
     .acl = 0,
     .session = AclCat,
     .summary = "List the ACL categories or the commands inside a category",
     .since = "6.0.0",
     .group = "server",
     .complexity = "O(1) since the categories and commands are a fixed set.",
     .arguments = kCatArguments},
    {.name = "acl|deluser",
     .arity = -3,
     .flags = kChangeFlags,
     .acl = 0,
     .session = AclDelUser,
     .summary = "Remove the specified ACL users and the associated rules",
     .since = "6.0.0",
     .group = "server",
     .complexity = "O(1) amortized time considering the typical user.",
     .arguments = kDelUserArguments},
    {.name = "acl|dryrun",
     .arity = -4,
     .flags = kAdminFlags,
     .acl = 0,
     .session = AclDryRun,
     .summary =
         "Returns whether the user can execute the given command without executing the command.",
     .since = "7.0.0",
     .group = "server",
     .complexity = "O(1).",
     .arguments = kDryRunArguments},
    {.name = "acl|genpass",
     .arity = -2,
     .flags = kCmdNoscript | kCmdLoading | kCmdStale,
     .acl = 0,
     .session = AclGenPass,
     .summary = "Generate a pseudorandom secure password to use for ACL users",
     .since = "6.0.0",
     .group = "server",
     .complexity = "O(1)",
     .arguments = kGenPassArguments},
    {.name = "acl|getuser",
     .arity = 3,
     .flags = kAdminFlags,
     .acl = 0,
     .session = AclGetUser,
     .summary = "Get the rules for a specific ACL user",
     .since = "6.0.0",
     .group = "server",
     .complexity =
         "O(N). Where N is the number of password, command and pattern rules that the user has.",
     .arguments = kUserArguments,
     .history = kGetUserHistory},
    {.name = "acl|help",
     .arity = 2,
     .flags = kCmdLoading | kCmdStale,
     .acl = 0,
     .session = AclHelp,
     .summary = "Show helpful text about the different subcommands",
     .since = "6.0.0",
     .group = "server",
     .complexity = "O(1)"},
    {.name = "acl|list",
     .arity = 2,
     .flags = kAdminFlags,
     .acl = 0,
     .session = AclList,
     .summary = "List the current ACL rules in ACL config file format",
     .since = "6.0.0",
     .group = "server",
     .complexity = "O(N). Where N is the number of configured users."},
    {.name = "acl|load",
     .arity = 2,
     .flags = kChangeFlags,
     .acl = 0,
     .session = AclLoad,
     .summary = "Reload the ACLs from the configured ACL file",
     .since = "6.0.0",
     .group = "server",
     .complexity = "O(N). Where N is the number of configured users."},
    {.name = "acl|log",
     .arity = -2,
     .flags = kAdminFlags,
     .acl = 0,
     .session = AclShowLog,
     .summary = "List latest events denied because of ACLs in place",
     .since = "6.0.0",
     .group = "server",
     .complexity = "O(N) with N being the number of entries shown.",
     .arguments = kLogArguments,
     .history = kLogHistory},
    {.name = "acl|save",
     .arity = 2,
     .flags = kChangeFlags,
     .acl = 0,
     .session = AclSave,
     .summary = "Save the current ACL rules in the configured ACL file",
     .since = "6.0.0",
     .group = "server",
     .complexity = "O(N). Where N is the number of configured users."},
    {.name = "acl|setuser",
     .arity = -3,
     .flags = kChangeFlags,
     .acl = 0,
     .session = AclSetUser,
     .summary = "Modify or create the rules for a specific ACL user",
     .since = "6.0.0",
     .group = "server",
     .complexity = "O(N). Where N is the number of rules provided.",
     .arguments = kSetUserArguments,
     .history = kSetUserHistory},
    {.name = "acl|users",
     .arity = 2,
     .flags = kAdminFlags,
     .acl = 0,
     .session = AclUserNames,
     .summary = "List the username of all the configured ACL rules",
     .since = "6.0.0",
     .group = "server",
     .complexity = "O(N). Where N is the number of configured users."},
    {.name = "acl|whoami",
     .arity = 2,
     .flags = kCmdNoscript | kCmdLoading | kCmdStale,
     .acl = 0,
     .session = AclWhoAmI,
     .summary = "Return the name of the user associated to the current connection",
     .since = "6.0.0",
     .group = "server",
     .complexity = "O(1)"},
};

constexpr Command kAclCommands[] = {
    {.name = "acl",
     .arity = -2,
     .flags = 0,
     .acl = 0,
     .subcommands = kAclSubcommands,
     .summary = "A container for Access List Control commands ",
     .since = "6.0.0",
     .group = "server",
     .complexity = "Depends on subcommand."},
};

}  // namespace

std::span<const Command> AclCommands() {
  return kAclCommands;
}

}  // namespace hearth
