// ACL: users as clients see and change them. Tested by tests/src/acl/acl_commands_test.cc.
#include "src/commands/acl.h"

#include <openssl/rand.h>

#include "src/acl/check.h"
#include "src/commands/command_description.h"
#include "src/commands/groups.h"
#include "src/numbers.h"
#include "src/server.h"
#include "src/session.h"

namespace hearth {
namespace {

constexpr int64_t kGenPassBitsMax = 4096;

// Writes the reply once every client has followed the change; the asking client reads it even
// when it is among those that go.
void AnswerWhenFollowed(const AclChange& change, Session& session, Reply& reply,
                        std::function<void(Reply&)> write) {
  if (!change.concerns_clients()) return write(reply);
  auto answer = session.AnswerLater();
  session.server().FollowAclChange(session.connection().worker(), change, session.id(),
                                   [answer, write = std::move(write), &session](bool close_own) {
                                     answer([&](Reply& later) {
                                       write(later);
                                       if (close_own) session.connection().CloseAfterReply();
                                     });
                                   });
}

void ReplySelector(const AclSelector& selector, Reply& reply) {
  reply.Bulk("commands");
  reply.Bulk(selector.DescribeCommands());
  reply.Bulk("keys");
  reply.Bulk(selector.DescribeKeys());
  reply.Bulk("channels");
  reply.Bulk(selector.DescribeChannels());
}

}  // namespace

// ACL CAT [category] -> the categories, or the commands of one
void AclCat(const Args& args, Session& session, Reply& reply) {
  if (args.size() > 3) return reply.Error(WrongSubcommand("ACL", args[1]));
  std::vector<std::string_view> names;
  if (args.size() == 2) {
    names = CategoryNames();
  } else {
    const auto category = CategoryNamed(args[2]);
    if (!category) {
      return reply.Error("ERR Unknown category '" + std::string(args[2].substr(0, 128)) + "'");
    }
    for (const Command* command : session.server().commands().all()) {
      if (CategoriesOf(*command) & *category) names.push_back(command->name);
    }
  }
  reply.Array(names.size());
  for (const std::string_view name : names) reply.Bulk(name);
}

// ACL SETUSER name [rule...]
void AclSetUser(const Args& args, Session& session, Reply& reply) {
  if (HasAclSpace(args[2])) {
    return reply.Error("ERR Usernames can't contain spaces or null characters");
  }
  const std::vector<std::string> rules(args.begin() + 3, args.end());
  AclChange change;
  const std::string error = session.server().users().Set(args[2], rules, &change);
  if (!error.empty()) return reply.Error("ERR " + error);
  AnswerWhenFollowed(change, session, reply, [](Reply& later) { later.Ok(); });
}

// ACL DELUSER name... -> how many there were; their clients are closed
void AclDelUser(const Args& args, Session& session, Reply& reply) {
  for (const std::string_view name : args.subspan(2)) {
    if (name == "default") return reply.Error("ERR The 'default' user cannot be removed");
  }
  AclChange change;
  const size_t count = session.server().users().Delete(args.subspan(2), &change);
  AnswerWhenFollowed(change, session, reply,
                     [count](Reply& later) { later.Integer(static_cast<int64_t>(count)); });
}

// ACL GETUSER name
void AclGetUser(const Args& args, Session& session, Reply& reply) {
  const AclUserPtr user = session.server().users().Find(args[2]);
  if (!user) return reply.Null();
  reply.Map(6);
  reply.Bulk("flags");
  const std::vector<std::string_view> flags = user->FlagNames();
  reply.Set(flags.size());
  for (const std::string_view flag : flags) reply.Bulk(flag);
  reply.Bulk("passwords");
  reply.Array(user->password_hashes().size());
  for (const std::string& hash : user->password_hashes()) reply.Bulk(hash);
  ReplySelector(user->selectors().front(), reply);
  reply.Bulk("selectors");
  reply.Array(user->selectors().size() - 1);
  for (const AclSelector& selector : std::span(user->selectors()).subspan(1)) {
    reply.Map(3);
    ReplySelector(selector, reply);
  }
}

// ACL LIST -> every user as a line of an ACL file
void AclList(const Args&, Session& session, Reply& reply) {
  const std::vector<std::string> lines = session.server().users().Lines();
  reply.Array(lines.size());
  for (const std::string& line : lines) reply.Bulk(line);
}

void AclUserNames(const Args&, Session& session, Reply& reply) {
  const std::vector<AclUserPtr> users = session.server().users().All();
  reply.Array(users.size());
  for (const AclUserPtr& user : users) reply.Bulk(user->name());
}

void AclWhoAmI(const Args&, Session& session, Reply& reply) {
  reply.Bulk(session.user().name());
}

// ACL GENPASS [bits] -> as many random bits, in hexadecimal digits
void AclGenPass(const Args& args, Session&, Reply& reply) {
  if (args.size() > 3) return reply.Error(WrongSubcommand("ACL", args[1]));
  int64_t bits = 256;
  if (args.size() == 3) {
    const auto given = ReadInteger(args[2], reply);
    if (!given) return;
    bits = *given;
  }
  if (bits <= 0 || bits > kGenPassBitsMax) {
    return reply.Error(
        "ERR ACL GENPASS argument must be the number of bits for the output password, a positive "
        "number up to 4096");
  }
  std::string text(static_cast<size_t>((bits + 3) / 4), '\0');
  if (RAND_bytes(reinterpret_cast<unsigned char*>(text.data()), static_cast<int>(text.size())) !=
      1) {
    return reply.Error("ERR no random numbers can be had");
  }
  for (char& c : text) c = "0123456789abcdef"[c & 15];
  reply.Bulk(text);
}

// ACL DRYRUN user command [argument...] -> OK, or why the user may not run it
void AclDryRun(const Args& args, Session& session, Reply& reply) {
  const AclUserPtr user = session.server().users().Find(args[2]);
  if (!user) return reply.Error("ERR User '" + std::string(args[2]) + "' not found");
  const Args call = args.subspan(3);
  const CommandTable::Found found = session.server().commands().Resolve(call);
  if (found.command == nullptr) {
    return reply.Error("ERR Command '" + std::string(call[0]) + "' not found");
  }
  const auto count = static_cast<int>(call.size());
  const int arity = found.command->arity;
  if ((arity > 0 && count != arity) || count < -arity) {
    return reply.Error(WrongArity(found.command->name));
  }
  const AclVerdict verdict = CheckAcl(*user, *found.command, found.index, call);
  if (verdict.allowed()) return reply.Ok();
  reply.Bulk(AclDenialText(verdict, *user, *found.command, call, /*verbose=*/true));
}

void AclHelp(const Args&, Session&, Reply& reply) {
  ReplyHelp("ACL",
            {"CAT [<category>]",
             "    List all commands that belong to <category>, or all command categories",
             "    when no category is specified.",
             "DELUSER <username> [<username> ...]",
             "    Delete a list of users.",
             "DRYRUN <username> <command> [<arg> ...]",
             "    Returns whether the user can execute the given command without executing the "
             "command.",
             "GETUSER <username>",
             "    Get the user's details.",
             "GENPASS [<bits>]",
             "    Generate a secure 256-bit user password. The optional `bits` argument can",
             "    be used to specify a different size.",
             "LIST",
             "    Show users details in config file format.",
             "LOAD",
             "    Reload users from the ACL file.",
             "LOG [<count> | RESET]",
             "    Show the ACL log entries.",
             "SAVE",
             "    Save the current config to the ACL file.",
             "SETUSER <username> <attribute> [<attribute> ...]",
             "    Create or modify a user with the specified attributes.",
             "USERS",
             "    List all the registered usernames.",
             "WHOAMI",
             "    Return the current connection username."},
            reply);
}

}  // namespace hearth
