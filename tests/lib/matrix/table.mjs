// The server's own table of routes and socket events: `antiphon routes`, with the schemas of `antiphon openapi`.
import { execFileSync } from 'node:child_process';
import { binary } from '../server.mjs';

const kRun = { encoding: 'utf8', maxBuffer: 64 << 20, stdio: ['ignore', 'pipe', 'ignore'], env: { PATH: process.env.PATH } };

function objectOf(text) {
  if (text === '-') return null;
  const [kind, right] = text.split(':');
  return { kind, right };
}

/** {routes, events}: a route has method, path, name ("GET /x"), who, cost, object, body, bodyLimit, query and bodySchema. */
export function readTable() {
  const lines = execFileSync(binary, ['routes'], kRun).trim().split('\n').slice(1);
  const api = JSON.parse(execFileSync(binary, ['openapi'], kRun));
  const routes = [];
  const events = [];
  for (const line of lines) {
    const [method, path, who, cost, object, body, bodyLimit] = line.split('\t');
    if (method === 'EVENT') {
      events.push({ name: path, who, object: objectOf(object) });
      continue;
    }
    const operation = api.paths[path.replace('...}', '}')]?.[method.toLowerCase()];
    if (!operation) throw new Error(`${method} ${path} is not in the API's description`);
    routes.push({
      name: `${method} ${path}`,
      method,
      path,
      who,
      cost,
      object: objectOf(object),
      body,
      bodyLimit: Number(bodyLimit),
      placeholders: [...path.matchAll(/\{(\w+)(?:\.\.\.)?\}/g)].map((match) => match[1]),
      query: (operation.parameters ?? []).filter((parameter) => parameter.in === 'query'),
      bodySchema: operation.requestBody?.content['application/json']?.schema ?? null,
    });
  }
  return { routes, events, schemas: api.components.schemas };
}
