#pragma once

// The functions of the connection commands; their rows stand in connection_table.cc.

#include "src/command.h"

namespace hearth {

void Auth(const Args& args, Session& session, Reply& reply);
void Echo(const Args& args, Session& session, Reply& reply);
void Hello(const Args& args, Session& session, Reply& reply);
void Monitor(const Args& args, Session& session, Reply& reply);
void Ping(const Args& args, Session& session, Reply& reply);
void Quit(const Args& args, Session& session, Reply& reply);
void ResetConnection(const Args& args, Session& session, Reply& reply);
void Select(const Args& args, Session& session, Reply& reply);

// Whether a name may stand in a line of CLIENT LIST; the error is written when not.
bool IsPlainName(std::string_view name);

}  // namespace hearth
