// A stock node-redis client against a running server, in RESP2 and in RESP3.
// usage: node node_redis_test.js SOCKET
'use strict';
const assert = require('assert');
const { createClient, defineScript, BasicClientSideCache, WatchError } = require('redis');

const kLibrary = `#!lua name=suite
redis.register_function('suite_add', function(keys, args)
  return redis.call('INCRBY', keys[1], args[1])
end)
redis.register_function{function_name='suite_get', flags={'no-writes'},
  callback=function(keys, args) return redis.call('GET', keys[1]) end}`;

function keyAndArguments(parser, key, ...args) {
  parser.pushKey(key);
  parser.push(...args.map(String));
}

const asIs = (reply) => reply;

const extensions = {
  scripts: {
    addTwice: defineScript({
      SCRIPT: "redis.call('INCRBY', KEYS[1], ARGV[1]) "
              + "return redis.call('INCRBY', KEYS[1], ARGV[1])",
      NUMBER_OF_KEYS: 1, parseCommand: keyAndArguments, transformReply: asIs }),
  },
  functions: {
    suite: {
      suite_add: { NUMBER_OF_KEYS: 1, parseCommand: keyAndArguments, transformReply: asIs },
      suite_get: { IS_READ_ONLY: true, NUMBER_OF_KEYS: 1, parseCommand: keyAndArguments,
                   transformReply: asIs },
    },
  },
};

// Without prototypes: the library makes some of its objects without one.
const plain = (value) => JSON.parse(JSON.stringify(value));
const expect = (got, wanted) => assert.deepStrictEqual(plain(got), plain(wanted));

async function connected(path, options) {
  const socket = { path, reconnectStrategy: false };
  const client = createClient({ socket, ...extensions, ...options });
  client.on('error', () => {});
  await client.connect();
  return client;
}

async function collect(iterator) {
  const all = [];
  for await (const page of iterator) all.push(...page);
  return all;
}

// Resolves with the first `count` calls' arguments of the listener that it hands to `start`.
async function calls(count, start) {
  const seen = [];
  let done;
  let failed;
  const all = new Promise((resolve, reject) => { done = resolve; failed = reject; });
  const timer = setTimeout(() => failed(new Error(`${seen.length} of ${count} calls`)), 10000);
  await start((...args) => {
    seen.push(args);
    if (seen.length === count) done();
  });
  await all;
  clearTimeout(timer);
  return seen;
}

async function checkStrings(client) {
  expect(await client.set('s', 'v', { expiration: { type: 'EX', value: 100 } }), 'OK');
  expect(await client.set('s', 'w', { condition: 'NX' }), null);
  expect(await client.set('s', 'w', { GET: true, expiration: 'KEEPTTL' }), 'v');
  assert.ok((await client.ttl('s')) > 90);
  expect(await client.mSet({ a: '1', b: '2' }), 'OK');
  expect(await client.mGet(['a', 'b', 'nothing']), ['1', '2', null]);
  expect(await client.incrByFloat('a', 1.5), '2.5');
  expect(await client.getRange('s', 0, -1), 'w');
  expect(await client.getDel('b'), '2');
  await assert.rejects(client.lPush('s', 'x'), /^Error: WRONGTYPE /);
}

async function checkHashes(client) {
  expect(await client.hSet('h', { one: 1, two: 'zwei' }), 2);
  expect(await client.hGetAll('h'), { one: '1', two: 'zwei' });
  expect(await client.hmGet('h', ['one', 'none']), ['1', null]);
  expect(await client.hIncrByFloat('h', 'one', 0.5), '1.5');
  expect(await client.hRandFieldCountWithValues('h', 5).then((list) => list.length), 2);
  expect(await client.hExpire('h', 'one', 100), [1]);
  expect(await client.hTTL('h', ['two', 'none']), [-1, -2]);
}

async function checkListsAndSets(client) {
  expect(await client.rPush('l', ['a', 'b', 'c', 'b']), 4);
  expect(await client.lPosCount('l', 'b', 0), [1, 3]);
  expect(await client.lMove('l', 'm', 'LEFT', 'RIGHT'), 'a');
  expect(await client.lmPop(['none', 'l'], 'RIGHT', { COUNT: 2 }), ['l', ['b', 'c']]);
  expect(await client.sAdd('set:1', ['a', 'b', 'c']), 3);
  expect(await client.sAdd('set:2', ['b', 'c', 'd']), 3);
  expect((await client.sInter(['set:1', 'set:2'])).sort(), ['b', 'c']);
  expect(await client.smIsMember('set:1', ['a', 'd']), [1, 0]);
  expect(await client.sInterCard(['set:1', 'set:2']), 2);
}

async function checkSortedSets(client, resp) {
  const pairs = [{ value: 'a', score: 1.5 }, { value: 'b', score: 2 }];
  expect(await client.zAdd('z', [...pairs, { value: 'c', score: Infinity }]), 3);
  // In RESP2 the library makes NaN of "inf".
  if (resp === 3) assert.strictEqual(await client.zScore('z', 'c'), Infinity);
  expect(await client.zRangeWithScores('z', 0, 1), pairs);
  expect(await client.zIncrBy('z', -1, 'a'), 0.5);
  expect(await client.zmScore('z', ['a', 'none']), [0.5, null]);
  expect(await client.zRankWithScore('z', 'b'), { rank: 1, score: 2 });
  expect(await client.zPopMin('z'), { value: 'a', score: 0.5 });
  expect(await client.zmPop(['none', 'z'], 'MIN'), { key: 'z', members: [pairs[1]] });
}

async function checkStreams(client, resp) {
  expect(await client.xAdd('x', '1-1', { f: 'v' }), '1-1');
  expect(await client.xAdd('x', '1-*', { f: 'w', g: 'x' }), '1-2');
  const entries = [{ id: '1-1', message: { f: 'v' } }, { id: '1-2', message: { f: 'w', g: 'x' } }];
  expect(await client.xRange('x', '-', '+'), entries);
  expect(await client.xGroupCreate('x', 'group', '0'), 'OK');
  if (resp === 2) {  // the library does not offer these in RESP3
    expect(await client.xRead({ key: 'x', id: '0' }, { COUNT: 1 }),
           [{ name: 'x', messages: [entries[0]] }]);
    expect(await client.xReadGroup('group', 'one', { key: 'x', id: '>' }),
           [{ name: 'x', messages: entries }]);
  } else {
    expect(await client.sendCommand(['XREAD', 'COUNT', '1', 'STREAMS', 'x', '0']),
           { x: [['1-1', ['f', 'v']]] });
    expect(await client.sendCommand(['XREADGROUP', 'GROUP', 'group', 'one', 'STREAMS', 'x', '>']),
           { x: [['1-1', ['f', 'v']], ['1-2', ['f', 'w', 'g', 'x']]] });
  }
  expect(await client.xAck('x', 'group', '1-1'), 1);
  expect(await client.xPending('x', 'group'),
         { pending: 1, firstId: '1-2', lastId: '1-2',
           consumers: [{ name: 'one', deliveriesCounter: 1 }] });
  expect(await client.xAutoClaim('x', 'group', 'two', 0, '-'),
         { nextId: '0-0', messages: [entries[1]], deletedMessages: [] });
  const info = await client.xInfoStream('x');
  expect([info.length, info.groups, info['last-generated-id']], [2, 1, '1-2']);
  expect(await client.xTrim('x', 'MAXLEN', 1), 1);
}

async function checkTransactions(client, other) {
  expect(await client.multi().set('t', '1').incr('t').hGetAll('h').zCard('z').exec(),
         ['OK', 2, await client.hGetAll('h'), 1]);
  await assert.rejects(client.multi().set('t', 'x').incr('t').exec(), /1 commands failed/);
  await client.watch('t');
  await other.set('t', 'meanwhile');
  await assert.rejects(client.multi().set('t', 'late').exec(), WatchError);
  await client.watch('t');
  expect(await client.multi().get('t').exec(), ['meanwhile']);
  expect(await client.multi().ping().ping().execAsPipeline(), ['PONG', 'PONG']);
}

async function checkPubSub(client, subscriber) {
  let seen = await calls(1, async (listener) => {
    await subscriber.subscribe('news', listener);
    expect(await client.publish('news', 'one'), 1);
  });
  expect(seen, [['one', 'news']]);
  await subscriber.unsubscribe('news');
  seen = await calls(2, async (listener) => {
    await subscriber.pSubscribe('n*', listener);
    expect(await client.publish('news', 'two'), 1);
    expect(await client.publish('notes', 'three'), 1);
  });
  expect(seen, [['two', 'news'], ['three', 'notes']]);
  seen = await calls(1, async (listener) => {
    await subscriber.sSubscribe('shard', listener, true);
    expect(await client.sPublish('shard', 'four'), 1);
  });
  assert.ok(seen[0][0].equals(Buffer.from('four')));
  expect(await client.pubSubNumPat(), 1);
  expect(await client.pubSubShardChannels(), ['shard']);
  await subscriber.pUnsubscribe();
  await subscriber.sUnsubscribe();
  expect(String(await subscriber.ping()), 'PONG');  // the library makes it a Buffer
  expect(await client.publish('news', 'nobody'), 0);
}

async function checkScripts(client) {
  await client.scriptFlush();
  expect(await client.addTwice('added', 2), 4);  // EVALSHA, NOSCRIPT, EVAL
  expect(await client.addTwice('added', 3), 10);  // EVALSHA
  expect(await client.scriptExists(extensions.scripts.addTwice.SHA1), [1]);
  expect(await client.multi().addTwice('added', 1).get('added').exec(), [12, '12']);
  const words = { keys: ['k'], arguments: ['a'] };
  expect(await client.eval('return {KEYS[1], ARGV[1], 3.7, false}', words), ['k', 'a', 3, null]);
  await assert.rejects(client.eval("return redis.error_reply('MINE it is')"),
                       /^Error: MINE it is$/);
  expect(await client.functionLoad(kLibrary, { REPLACE: true }), 'suite');
  expect(await client.suite.suite_add('added', 5), 17);
  expect(await client.suite.suite_get('added'), '17');
  const [library] = await client.functionList();
  expect([library.library_name, library.engine], ['suite', 'LUA']);
  expect(library.functions.map((one) => one.name).sort(), ['suite_add', 'suite_get']);
  const dump = await client.withTypeMapping({ 36: Buffer }).functionDump();
  expect(await client.functionDelete('suite'), 'OK');
  expect(await client.functionRestore(dump), 'OK');
  expect(await client.fCallRo('suite_get', { keys: ['added'], arguments: [] }), '17');
  expect(await client.functionFlush(), 'OK');
}

async function checkScans(client) {
  const numbers = [...Array(1000).keys()];
  await Promise.all(numbers.map((i) => client.set(`scan:${i}`, 'x')));
  const keys = await collect(client.scanIterator({ MATCH: 'scan:*', COUNT: 70 }));
  expect([keys.length, new Set(keys).size], [1000, 1000]);
  await client.hSet('scanned:h', Object.fromEntries(numbers.map((i) => [`f${i}`, i])));
  await client.sAdd('scanned:s', numbers.map(String));
  await client.zAdd('scanned:z', numbers.map((i) => ({ value: `m${i}`, score: i / 2 })));
  const fields = await collect(client.hScanIterator('scanned:h'));
  expect(fields.length, 1000);
  assert.ok(fields.every(({ field, value }) => field === `f${value}`));
  expect((await collect(client.hScanNoValuesIterator('scanned:h'))).length, 1000);
  expect(new Set(await collect(client.sScanIterator('scanned:s'))).size, 1000);
  const members = await collect(client.zScanIterator('scanned:z'));
  assert.ok(members.every(({ value, score }) => value === `m${score * 2}`));
  expect(members.length, 1000);
}

async function untilBlocked(client) {
  while (!/^blocked_clients:1\r$/m.test(await client.info('clients'))) {}
}

async function checkBlocking(client, blocked) {
  const pop = async (start, push, wanted) => {
    const popped = start();
    await untilBlocked(client);
    await push();
    expect(await popped, wanted);
  };
  await pop(() => blocked.blPop(['q:1', 'q:2'], 10), () => client.rPush('q:2', 'x'),
            { key: 'q:2', element: 'x' });
  await pop(() => blocked.bzPopMin('q:z', 10), () => client.zAdd('q:z', { value: 'm', score: 3 }),
            { key: 'q:z', value: 'm', score: 3 });
  await pop(() => blocked.blMove('q:1', 'q:3', 'LEFT', 'RIGHT', 10),
            () => client.rPush('q:1', 'y'), 'y');
  await pop(() => blocked.blmPop(10, ['q:1', 'q:2'], 'LEFT'), () => client.rPush('q:2', 'z'),
            ['q:2', ['z']]);
  expect(await blocked.blPop('q:none', 0.05), null);
}

async function checkClientSideCache(path, other) {
  const cache = new BasicClientSideCache({ ttl: 0, maxEntries: 100, evictPolicy: 'LRU' });
  const client = await connected(path, { RESP: 3, clientSideCache: cache });
  await other.set('cached', 'old');
  for (let i = 0; i < 5; i++) expect(await client.get('cached'), 'old');
  expect([cache.stats().missCount, cache.stats().hitCount], [1, 4]);
  const [[key]] = await calls(1, async (listener) => {
    cache.once('invalidate', listener);
    await other.set('cached', 'new');
  });
  expect(String(key), 'cached');
  expect(await client.get('cached'), 'new');
  expect([cache.stats().missCount, cache.stats().hitCount], [2, 4]);
  await client.close();
}

async function checkAcl(client, path, options) {
  expect(await client.aclSetUser('app', ['reset', 'on', '>pw', '~app:*', '+get', '+set',
                                         '+@connection', '+acl|whoami']), 'OK');
  const user = await client.aclGetUser('app');
  assert.ok(user.flags.includes('on'));
  expect(user.keys, '~app:*');
  const userOptions = { ...options, username: 'app', password: 'pw', name: 'the-app' };
  const app = await connected(path, userOptions);
  expect(await app.aclWhoAmI(), 'app');
  expect(await app.clientGetName(), 'the-app');
  expect(await app.set('app:1', '1'), 'OK');
  await assert.rejects(app.get('other'), /^Error: NOPERM .*No permissions to access a key/i);
  await assert.rejects(app.del('app:1'), /^Error: NOPERM .*'del' command/);
  await assert.rejects(connected(path, { ...userOptions, password: 'no' }), /WRONGPASS/);
  const [entry] = await client.aclLog();
  expect(entry.username, 'app');
  expect(entry.reason, 'auth');
  expect(await client.aclDelUser('app'), 1);
  await app.close().catch(() => {});  // deleting the user ended it
}

async function checkAll(path, resp) {
  const options = { RESP: resp };
  const [client, other, subscriber] =
    await Promise.all([1, 2, 3].map(() => connected(path, options)));
  await client.flushAll();
  await checkStrings(client);
  await checkHashes(client);
  await checkListsAndSets(client);
  await checkSortedSets(client, resp);
  await checkStreams(client, resp);
  await checkTransactions(client, other);
  await checkPubSub(client, subscriber);
  await checkScripts(client);
  await checkScans(client);
  await checkBlocking(client, other);
  await checkAcl(client, path, options);
  if (resp === 3) await checkClientSideCache(path, other);
  await client.flushAll();
  await Promise.all([client, other, subscriber].map((one) => one.close()));
}

async function main() {
  for (const resp of [2, 3]) await checkAll(process.argv[2], resp);
  console.log('node-redis: all as expected, in RESP2 and RESP3');
}

main().catch((error) => {
  console.error(error);
  process.exit(1);
});
