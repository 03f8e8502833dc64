// GET /health against nginx serving a file of the same size.
import { availableParallelism } from 'node:os';
import { median, wrk } from '../lib/tools.mjs';

export const title = 'Smallest request';

const kRounds = 3;

export async function run(servers) {
  const antiphon = await servers.antiphon();
  const url = `${antiphon.url}/health`;
  const body = await (await fetch(url)).text();
  const nginx = await servers.nginx(body, availableParallelism());
  const rounds = [];
  for (let i = 0; i < kRounds; i += 1) {
    const theirs = (await wrk(nginx.url, { connections: 64, seconds: 3 })).rate;
    const ours = (await wrk(url, { connections: 64, seconds: 3 })).rate;
    rounds.push({ ours, theirs, ratio: ours / theirs });
  }
  await nginx.close();
  await servers.closeAntiphon(antiphon);
  const ratio = median(rounds.map((round) => round.ratio));
  const rate = (who) => Math.round(median(rounds.map((round) => round[who]))).toLocaleString('en');
  return {
    rows: [
      {
        figure: `GET /health beside a static file of nginx (${body.length} bytes, 64 connections)`,
        goal: '≥ 0.9 ×',
        measured: `${rate('ours')}/s; nginx ${rate('theirs')}/s`,
        ratio: `${ratio.toFixed(2)} ×`,
        ok: ratio >= 0.9,
      },
    ],
    raw: rounds,
  };
}
