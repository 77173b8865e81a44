#pragma once

// Stream: the functions of the stream commands, by the file that holds them; each is described
// above its definition.
//
// Thread: the worker's, under the Tx's locks.

#include "src/command.h"

namespace hearth {

// stream_entries.cc
void XAdd(const Args& args, Tx& tx, Reply& reply);
void XDel(const Args& args, Tx& tx, Reply& reply);
void XLen(const Args& args, Tx& tx, Reply& reply);
void XRange(const Args& args, Tx& tx, Reply& reply);
void XRevRange(const Args& args, Tx& tx, Reply& reply);
void XSetId(const Args& args, Tx& tx, Reply& reply);
void XTrim(const Args& args, Tx& tx, Reply& reply);

// stream_read.cc
bool XRead(const Args& args, Tx& tx, Reply& reply, BlockRequest* request);
bool XReadGroup(const Args& args, Tx& tx, Reply& reply, BlockRequest* request);

// stream_groups.cc
void XAck(const Args& args, Tx& tx, Reply& reply);
void XGroupCreate(const Args& args, Tx& tx, Reply& reply);
void XGroupCreateConsumer(const Args& args, Tx& tx, Reply& reply);
void XGroupDelConsumer(const Args& args, Tx& tx, Reply& reply);
void XGroupDestroy(const Args& args, Tx& tx, Reply& reply);
void XGroupHelp(const Args& args, Tx& tx, Reply& reply);
void XGroupSetId(const Args& args, Tx& tx, Reply& reply);

// stream_pending.cc
void XAutoClaim(const Args& args, Tx& tx, Reply& reply);
void XClaim(const Args& args, Tx& tx, Reply& reply);
void XPending(const Args& args, Tx& tx, Reply& reply);

// stream_info.cc
void XInfoConsumers(const Args& args, Tx& tx, Reply& reply);
void XInfoGroups(const Args& args, Tx& tx, Reply& reply);
void XInfoHelp(const Args& args, Tx& tx, Reply& reply);
void XInfoStream(const Args& args, Tx& tx, Reply& reply);

}  // namespace hearth
