// A stock ioredis client against a running server. usage: node ioredis_test.js SOCKET
'use strict';
const assert = require('assert');
const Redis = require('ioredis');

async function checkBasics(redis) {
  assert.strictEqual(await redis.ping(), 'PONG');
  await redis.flushall();
  assert.strictEqual(await redis.set('foo', 'bar', 'EX', 1000), 'OK');
  assert.strictEqual(await redis.get('foo'), 'bar');
  assert.ok((await redis.ttl('foo')) > 990);
  assert.strictEqual(await redis.client('GETNAME'), 'suite');

  const pipeline = redis.pipeline();
  for (let i = 0; i < 1000; i++) pipeline.set(`key:${i}`, `value:${i}`);
  for (let i = 0; i < 1000; i++) pipeline.get(`key:${i}`);
  const results = await pipeline.exec();
  results.slice(1000).forEach(([error, value], i) => {
    assert.strictEqual(error, null);
    assert.strictEqual(value, `value:${i}`);
  });

  const seen = new Set();
  for await (const keys of redis.scanStream({ match: 'key:*', count: 100 })) {
    for (const key of keys) {
      assert.ok(!seen.has(key), `SCAN returned ${key} twice`);
      seen.add(key);
    }
  }
  assert.strictEqual(seen.size, 1000);
  const binary = Buffer.from([0, 255, 13, 10, 128]);
  await redis.set('binary', binary);
  assert.ok(binary.equals(await redis.getBuffer('binary')));
  await assert.rejects(redis.incr('foo'), /not an integer/);
  assert.strictEqual(await redis.incrby('count', 41), 41);
  assert.deepStrictEqual(await redis.mget('foo', 'count', 'nothing'), ['bar', '41', null]);
}

async function checkScripts(redis) {
  redis.defineCommand('addTo', {
    numberOfKeys: 1, lua: "return redis.call('INCRBY', KEYS[1], ARGV[1])" });
  redis.defineCommand('names', { lua: 'return {#KEYS, KEYS[1], ARGV[1]}', readOnly: true });
  await redis.script('FLUSH');
  assert.strictEqual(await redis.addTo('added', 2), 2);  // EVALSHA, NOSCRIPT, EVAL
  assert.strictEqual(await redis.addTo('added', 3), 5);
  assert.deepStrictEqual(await redis.names(1, 'key', 'argument'), [1, 'key', 'argument']);
  assert.deepStrictEqual(await redis.pipeline().addTo('added', 1).get('added').exec(),
                         [[null, 6], [null, '6']]);
  assert.deepStrictEqual(await redis.multi().addTo('added', 1).names(1, 'k', 'x').exec(),
                         [[null, 7], [null, [1, 'k', 'x']]]);
  await assert.rejects(redis.addTo('added', 'x'), /not an integer/);
  assert.ok(Buffer.from('7').equals(await redis.getBuffer('added')));
}

async function checkTransactions(redis, other) {
  const results = await redis.multi().set('t', '1').lpush('t', 'x').incr('t').exec();
  assert.deepStrictEqual([results[0], results[2]], [[null, 'OK'], [null, 2]]);
  assert.match(results[1][0].message, /^WRONGTYPE /);
  await redis.watch('t');
  await other.incr('t');
  assert.strictEqual(await redis.multi().set('t', 'late').exec(), null);
  assert.strictEqual(await redis.get('t'), '3');
  await redis.multi({ pipeline: false });
  assert.strictEqual(await redis.set('t', '4'), 'QUEUED');
  await assert.rejects(redis.call('nosuch'), /unknown command/);
  await assert.rejects(redis.exec(), /^ReplyError: EXECABORT /);
}

async function checkStreams(redis, blocked) {
  const waiting = blocked.xread('BLOCK', 10000, 'STREAMS', 'x', '$');
  while (!/^blocked_clients:1\r$/m.test(await redis.info('clients'))) {}
  const id = await redis.xadd('x', '*', 'f', 'v');
  assert.deepStrictEqual(await waiting, [['x', [[id, ['f', 'v']]]]]);
  await redis.xgroup('CREATE', 'x', 'group', '0');
  assert.deepStrictEqual(await redis.xreadgroup('GROUP', 'group', 'me', 'STREAMS', 'x', '>'),
                         [['x', [[id, ['f', 'v']]]]]);
  assert.deepStrictEqual(await redis.xpending('x', 'group'), [1, id, id, [['me', '1']]]);
  assert.strictEqual(await redis.xack('x', 'group', id), 1);
}

async function checkPubSub(redis, subscriber) {
  assert.strictEqual(await subscriber.subscribe('news', 'sport'), 2);
  assert.strictEqual(await subscriber.psubscribe('n*'), 3);
  const seen = new Promise((done) => {
    const all = [];
    const add = (...args) => { if (all.push(args) === 2) done(all); };
    subscriber.on('message', add);
    subscriber.on('pmessage', add);
  });
  assert.strictEqual(await redis.publish('news', 'm'), 2);
  assert.deepStrictEqual((await seen).sort(), [['n*', 'news', 'm'], ['news', 'm']]);
  await subscriber.punsubscribe('n*');
  assert.strictEqual(await subscriber.unsubscribe('news', 'sport'), 0);
  assert.strictEqual(await subscriber.ping(), 'PONG');
}

async function main() {
  const redis = new Redis({ path: process.argv[2], connectionName: 'suite' });
  const other = redis.duplicate();
  await checkBasics(redis);
  await checkScripts(redis);
  await checkTransactions(redis, other);
  await checkStreams(redis, other);
  await checkPubSub(redis, other);
  assert.strictEqual(await redis.flushall(), 'OK');
  assert.strictEqual(await redis.dbsize(), 0);
  redis.disconnect();
  other.disconnect();
  console.log('ioredis: all as expected');
}

main().catch((error) => {
  console.error(error);
  process.exit(1);
});
