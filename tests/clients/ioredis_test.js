// A stock ioredis client against a running server. usage: node ioredis_test.js SOCKET
'use strict';
const assert = require('assert');
const Redis = require('ioredis');

async function main() {
  const redis = new Redis({ path: process.argv[2], connectionName: 'suite' });
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
  assert.strictEqual(await redis.flushall(), 'OK');
  assert.strictEqual(await redis.dbsize(), 0);
  redis.disconnect();
  console.log('ioredis: all as expected');
}

main().catch((error) => {
  console.error(error);
  process.exit(1);
});
