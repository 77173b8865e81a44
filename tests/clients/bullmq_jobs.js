// Jobs through a BullMQ queue whose server dies meanwhile. usage: node bullmq_jobs.js SOCKET
//
// Prints "completed N" as it goes, for the one who kills the server and starts it again, and fails
// unless every job completed exactly once. What counts is what the server recorded: each script
// that completes a job adds one event to the queue's stream. A handler may run more often: a lost
// reply leaves its job active until its lock ends, as with any at-least-once queue.
'use strict';
const assert = require('assert');
const { Queue, Worker } = require('bullmq');

const kJobs = 10000;
const kWorkers = 4;
const kConcurrency = 25;
const kSecondsMax = 60;
const kChunk = 250;

const connection = {
  path: process.argv[2],
  maxRetriesPerRequest: null,
  retryStrategy: () => 50,
};

// By number: one in ten fails at first, one in five waits up to two seconds.
const failsFirst = (number) => number % 10 === 3;
const delayOf = (number) => (number % 5 === 1 ? 100 + (number % 2000) : 0);

function expectsOutage(error) {
  const outage = /Connection is closed|ECONNREFUSED|ENOENT|ECONNRESET|EPIPE|Stream isn't/;
  return outage.test(error.message) || /NOSCRIPT|Missing (lock|key)/.test(error.message);
}

async function handle(job) {
  const { number } = job.data;
  if (job.attemptsMade === 0) {
    assert.ok(Date.now() + 1 >= job.timestamp + delayOf(number), `${job.id} ran too early`);
    if (failsFirst(number)) throw new Error('as it should');
  }
  assert.ok(job.attemptsMade <= 1, `${job.id} runs again after ${job.attemptsMade} attempts`);
  return number;
}

function startWorker(name, unexpected) {
  const options = { connection, concurrency: kConcurrency, lockDuration: 4000,
                    stalledInterval: 1000, maxStalledCount: 10, drainDelay: 1 };
  const worker = new Worker('jobs', handle, options);
  worker.on('error', (error) => {
    if (!expectsOutage(error)) unexpected.push(`${name}: ${error.message}`);
  });
  worker.on('failed', (job, error) => {
    if (error.message !== 'as it should' && !expectsOutage(error)) {
      unexpected.push(`${name}: ${job && job.id}: ${error.message}`);
    }
  });
  return worker;
}

// Repeats a chunk whose reply an outage took: a job's own id keeps it from being added twice.
async function addJobs(queue) {
  for (let first = 0; first < kJobs; first += kChunk) {
    const chunk = [];
    for (let number = first; number < first + kChunk; number++) {
      chunk.push({ name: 'job', data: { number },
                   opts: { jobId: `job-${number}`, delay: delayOf(number), attempts: 3,
                           backoff: 20 } });
    }
    for (let tries = 0; ; tries++) {
      try {
        await queue.addBulk(chunk);
        break;
      } catch (error) {
        if (!expectsOutage(error) || tries === 5) throw error;
      }
    }
  }
}

async function untilCompleted(queue, unexpected) {
  const deadline = Date.now() + 1000 * kSecondsMax;
  for (;;) {
    const counts = await queue.getJobCounts();
    console.log(`completed ${counts.completed}`);
    if (counts.completed + counts.failed >= kJobs) return;
    if (Date.now() > deadline) {
      throw new Error(`not done in ${kSecondsMax} s: ${JSON.stringify(counts)}; ${unexpected}`);
    }
    await new Promise((done) => setTimeout(done, 50));
  }
}

async function completedEvents(redis) {
  const times = new Map();
  for (let from = '-'; ; ) {
    const entries = await redis.xrange('bull:jobs:events', from, '+', 'COUNT', 5000);
    if (entries.length === 0) return times;
    for (const [, fields] of entries) {
      const event = {};
      for (let i = 0; i < fields.length; i += 2) event[fields[i]] = fields[i + 1];
      if (event.event === 'completed') times.set(event.jobId, (times.get(event.jobId) || 0) + 1);
    }
    from = '(' + entries[entries.length - 1][0];
  }
}

async function check(queue) {
  const redis = await queue.client;
  const counts = await queue.getJobCounts();
  const left = Object.entries(counts).filter(([, count]) => count !== 0);
  assert.deepStrictEqual(left, [['completed', kJobs]]);
  const times = await completedEvents(redis);
  const wrong = [];
  for (let number = 0; number < kJobs; number++) {
    const id = `job-${number}`;
    if (times.get(id) !== 1) wrong.push(`${id} completed ${times.get(id) || 0} times`);
    const [attempts, result] = await redis.hmget(`bull:jobs:${id}`, 'atm', 'returnvalue');
    const wanted = failsFirst(number) ? '2' : '1';
    if (attempts !== wanted) wrong.push(`${id} made ${attempts} attempts`);
    if (result !== String(number)) wrong.push(`${id} returned ${result}`);
  }
  assert.deepStrictEqual(wrong, []);
  assert.strictEqual(times.size, kJobs);
}

async function main() {
  const unexpected = [];
  const started = Date.now();
  const queue = new Queue('jobs', { connection, streams: { events: { maxLen: 40 * kJobs } } });
  queue.on('error', (error) => {
    if (!expectsOutage(error)) unexpected.push(`queue: ${error.message}`);
  });
  await queue.waitUntilReady();
  const workers = [];
  for (let i = 0; i < kWorkers; i++) workers.push(startWorker(`worker ${i}`, unexpected));
  await Promise.all([addJobs(queue), untilCompleted(queue, unexpected)]);
  await Promise.all(workers.map((worker) => worker.close()));
  await check(queue);
  assert.deepStrictEqual(unexpected, []);
  await queue.close();
  console.log(`bullmq: ${kJobs} jobs, each completed once, in ${(Date.now() - started) / 1000} s`);
}

main().catch((error) => {
  console.error(error);
  process.exit(1);
});
