// Equal replicas on one PostgreSQL database, with a load balancer in front of them.
import { Client } from './client.mjs';
import { startBalancer } from './balancer.mjs';
import { sharedPostgres } from './postgres.mjs';
import { adminAt, makeServer, userAt } from './server.mjs';
import { sleep } from './until.mjs';

/** Whoever may take runs over has been in touch with the database for a lease. */
export const kLeaseMs = 5000;

// Everything that is started ends with this process at the latest.
process.setMaxListeners(200);

export class Fleet {
  #clients = [];

  constructor({ replicas, databaseUrl }) {
    this.replicas = replicas;
    this.databaseUrl = databaseUrl;
    this.balancer = null;
    // Its database can be read as a server's: lib/rows.mjs, lib/log.mjs.
    this.env = { DATABASE_URL: databaseUrl };
  }

  get url() {
    return this.balancer?.url ?? this.replicas[0].url;
  }

  get running() {
    return this.replicas.filter((replica) => replica.isRunning);
  }

  /** One after the other unless `together`: then they race for the empty database. */
  async start({ together = false } = {}) {
    if (together) await Promise.all(this.replicas.map((replica) => replica.start()));
    else for (const replica of this.replicas) await replica.start();
    return this;
  }

  async startBalancer(kind, options) {
    await this.balancer?.stop();
    const ports = this.replicas.map((replica) => replica.port);
    this.balancer = await startBalancer(kind, ports, options);
    return this.balancer;
  }

  /** A client of the load balancer. */
  client() {
    return this.#own(new Client(this.url));
  }

  #own(client) {
    this.#clients.push(client);
    return client;
  }

  /** The same person at one replica, or at another address. */
  at(where, client) {
    const there = this.#own(new Client(typeof where === 'string' ? where : this.replicas[where].url));
    Object.assign(there, { token: client.token, user: client.user });
    return there;
  }

  admin() {
    return adminAt(this);
  }

  user(admin, name, role) {
    return userAt(this, admin, name, role);
  }

  /** Until every replica may take over from the others. */
  settled() {
    return sleep(kLeaseMs + 500);
  }

  async close() {
    for (const client of this.#clients) client.close();
    await this.balancer?.stop();
    const failures = [];
    for (const replica of this.replicas) {
      if (replica.isRunning) replica.resume();
      await replica.close().catch((error) => failures.push(error));
    }
    if (failures.length) throw failures[0];
  }
}

/**
 * So many replicas, started, behind `balancer` (nginx, haproxy or null). `env`: more variables; `each(i)`: options of
 * makeServer() for one of them, its `env` added; `start: false` makes them only.
 */
export async function startFleet({ replicas = 2, provider, databaseUrl, env = {}, balancer = 'haproxy', balancing, each = () => ({}), start = true, together } = {}) {
  const url = databaseUrl ?? (await sharedPostgres()).createDatabase();
  const made = [];
  for (let i = 0; i < replicas; i += 1) {
    const { env: own = {}, ...options } = each(i);
    // Tests ask from one address, and their requests come in bursts. A stop hands over rather than waits.
    const all = { ANTIPHON_RATE_LIMITS: '0', ANTIPHON_DRAIN_SECONDS: '3', ...env, ...own };
    made.push(await makeServer({ provider, databaseUrl: url, ...options, env: all }));
  }
  const fleet = new Fleet({ replicas: made, databaseUrl: url });
  try {
    if (start) await fleet.start({ together });
    if (balancer && start) await fleet.startBalancer(balancer, balancing);
  } catch (error) {
    await fleet.close().catch(() => {});
    throw error;
  }
  return fleet;
}
