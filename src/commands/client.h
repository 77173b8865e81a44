#pragma once

// The functions of CLIENT; their rows stand in connection_table.cc.

#include "src/command.h"

namespace hearth {

// client.cc: the asking connection's own state, and pauses.
void ClientGetName(const Args& args, Session& session, Reply& reply);
void ClientHelp(const Args& args, Session& session, Reply& reply);
void ClientId(const Args& args, Session& session, Reply& reply);
void ClientInfo(const Args& args, Session& session, Reply& reply);
void ClientNoEvict(const Args& args, Session& session, Reply& reply);
void ClientNoTouch(const Args& args, Session& session, Reply& reply);
void ClientPause(const Args& args, Session& session, Reply& reply);
void ClientReply(const Args& args, Session& session, Reply& reply);
void ClientSetInfo(const Args& args, Session& session, Reply& reply);
void ClientSetName(const Args& args, Session& session, Reply& reply);
void ClientUnblock(const Args& args, Session& session, Reply& reply);
void ClientUnpause(const Args& args, Session& session, Reply& reply);

// tracking.cc
void ClientCaching(const Args& args, Session& session, Reply& reply);
void ClientGetRedir(const Args& args, Session& session, Reply& reply);
void ClientTrackingInfo(const Args& args, Session& session, Reply& reply);
void ClientTrackingOnOff(const Args& args, Session& session, Reply& reply);

// client_list.cc: those that reach every worker's connections.
void ClientKill(const Args& args, Session& session, Reply& reply);
void ClientList(const Args& args, Session& session, Reply& reply);

}  // namespace hearth
