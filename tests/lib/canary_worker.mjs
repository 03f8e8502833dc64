// Asks a path (/health by default) on one connection every 10 ms, on a thread of its own so that a test that floods the server does not hold up its own canary.
import { Agent, request as httpRequest } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { parentPort, workerData } from 'node:worker_threads';

const agent = new Agent({ keepAlive: true, maxSockets: 1 });
const times = [];
const wrong = [];
let going = true;
parentPort.on('message', () => (going = false));

const ask = () =>
  new Promise((settle) => {
    const begin = performance.now();
    const done = (outcome) => {
      times.push(performance.now() - begin);
      if (outcome !== 200) wrong.push(outcome);
      settle();
    };
    const request = httpRequest(workerData.url, { agent, timeout: 10_000, headers: workerData.headers }, (reply) => reply.resume().on('end', () => done(reply.statusCode)));
    request.on('timeout', () => request.destroy(new Error('timeout')));
    request.on('error', (error) => done(error.message)).end();
  });

await ask(); // The first pays for the connection.
times.length = 0;
parentPort.postMessage('asking');
while (going) {
  await ask();
  await sleep(10);
}
agent.destroy();
parentPort.postMessage({ times, wrong });
parentPort.close();
