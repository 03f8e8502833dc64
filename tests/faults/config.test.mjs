// Settings and models over replicas (chapter B.8 of the list of faults).
import assert from 'node:assert/strict';
import { after, before, describe } from 'node:test';
import { startFleet } from '../lib/fleet.mjs';
import { sharedPostgres } from '../lib/postgres.mjs';
import { sleep, until } from '../lib/until.mjs';
import { startProvider } from '../provider/provider.mjs';
import { scenario } from './scenario.mjs';

/** Within which every replica knows, what is derived from a setting included. */
const kKnownMs = 1000;
/** A replica does not ask the providers for a name it does not know more often than once a second. */
const kLookMs = 1100;

describe('settings over replicas', () => {
  let first;
  let second;
  let fleet;
  let admin;
  before(async () => {
    first = await startProvider();
    second = await startProvider({ models: ['from-second'] });
    fleet = await startFleet({ replicas: 2, provider: first });
    admin = await fleet.admin();
  });
  after(async () => {
    await fleet?.close();
    await first?.stop();
    await second?.stop();
  });

  const modelsAt = async (i) => (await fleet.at(i, admin).get('/api/models', { expect: 200 })).json.data.map((model) => model.id);
  const connect = (i, urls) =>
    fleet.at(i, admin).post('/openai/config/update', { ENABLE_OPENAI_API: true, OPENAI_API_BASE_URLS: urls, OPENAI_API_KEYS: urls.map(() => 'provider-key'), OPENAI_API_CONFIGS: {} }, { expect: 200 });
  const complete = (i, model) => fleet.at(i, admin).post('/api/chat/completions', { model, stream: false, messages: [{ role: 'user', content: '[[tokens=3]]' }] });

  scenario('S88 a setting that is changed at one replica holds at the other within a second, what is derived from it too', async () => {
    await connect(0, [first.openaiUrl]);
    for (let i = 0; i < 2; i += 1) await modelsAt(i);
    await connect(0, [first.openaiUrl, second.openaiUrl]);
    await sleep(kKnownMs);
    for (let i = 0; i < 2; i += 1) {
      assert.deepEqual((await fleet.at(i, admin).get('/openai/config', { expect: 200 })).json.OPENAI_API_BASE_URLS, [first.openaiUrl, second.openaiUrl], `replica ${i}`);
      assert.ok((await modelsAt(i)).includes('from-second'), `the list of models of replica ${i}`);
    }
    await connect(1, [first.openaiUrl]);
    await sleep(kKnownMs);
    for (let i = 0; i < 2; i += 1) assert.equal((await modelsAt(i)).includes('from-second'), false, `replica ${i}`);
    assert.ok((await complete(0, 'from-second')).status >= 400, 'a connection that was taken away is not used');
  });

  scenario('S88b settings that are changed at both replicas at once: both have the same in the end', async () => {
    const config = (await admin.get('/api/v1/auths/admin/config', { expect: 200 })).json;
    const names = ['WEBUI_URL', 'DEFAULT_USER_ROLE', 'JWT_EXPIRES_IN'];
    for (let round = 0; round < 5; round += 1) {
      const durations = ['1d', '2d', '3d', '4w'];
      await Promise.all(durations.map((value, i) => fleet.at(i % 2, admin).post('/api/v1/auths/admin/config', { ...config, JWT_EXPIRES_IN: value }, { expect: 200 })));
      await sleep(kKnownMs);
      const [one, two] = await Promise.all([0, 1].map(async (i) => (await fleet.at(i, admin).get('/api/v1/auths/admin/config', { expect: 200 })).json));
      assert.deepEqual(names.map((name) => one[name]), names.map((name) => two[name]));
    }
  }, { long: true });

  scenario('S90 kill -9 of the replica that changes a setting: the other has all of it or nothing, and what is derived follows', async () => {
    await connect(0, [first.openaiUrl]);
    for (let round = 0; round < 4; round += 1) {
      const urls = round % 2 ? [first.openaiUrl] : [first.openaiUrl, second.openaiUrl];
      const change = connect(0, urls).then(() => true, () => false);
      await sleep(round * 3);
      await fleet.replicas[0].kill();
      const acknowledged = await change;
      await sleep(kKnownMs);
      const { OPENAI_API_BASE_URLS: kept, OPENAI_API_KEYS: keys } = (await fleet.at(1, admin).get('/openai/config', { expect: 200 })).json;
      assert.equal(kept.length, keys.length, 'addresses and keys belong together');
      if (acknowledged) assert.deepEqual(kept, urls);
      assert.equal((await modelsAt(1)).includes('from-second'), kept.length === 2, 'the models are those of the addresses');
      await fleet.replicas[0].start();
      assert.equal((await modelsAt(0)).includes('from-second'), kept.length === 2);
    }
  });

  scenario('S91 a model that the provider has only now: added at one replica, asked for at the other', async () => {
    await connect(0, [first.openaiUrl, second.openaiUrl]);
    await sleep(kKnownMs);
    for (let i = 0; i < 2; i += 1) await modelsAt(i);
    second.state.models = ['from-second', 'brand-new'];
    await sleep(kLookMs);
    await until(async () => (await fleet.at(0, admin).get('/api/models?refresh=true', { expect: 200 })).json.data.some((model) => model.id === 'brand-new'), { what: 'replica 0 lists it' });
    const reply = await complete(1, 'brand-new');
    assert.equal(reply.status, 200, reply.text);
  });

  scenario('S91b nobody has listed it: the replica that is asked for it looks once before it says no', async () => {
    await connect(0, [first.openaiUrl, second.openaiUrl]);
    await sleep(kKnownMs);
    await modelsAt(1);
    second.state.models = ['from-second', 'never-listed'];
    await sleep(kLookMs);
    const replies = await Promise.all(Array.from({ length: 8 }, () => complete(1, 'never-listed')));
    assert.deepEqual(replies.map((reply) => reply.status), Array(8).fill(200), replies[0].text);
    const before = second.state.modelsRequests;
    assert.ok((await complete(1, 'no-such-model')).status >= 400);
    assert.ok(second.state.modelsRequests - before <= 1, 'one look');
  });

  scenario('S88c PostgreSQL is away for a moment when a setting is changed: it is kept or refused, never half', async () => {
    const config = (await admin.get('/api/v1/auths/admin/config', { expect: 200 })).json;
    const cluster = await sharedPostgres();
    const database = fleet.databaseUrl.split('/').at(-1);
    for (let round = 0; round < 6; round += 1) {
      const value = `${round + 1}d`;
      const change = fleet.at(0, admin).post('/api/v1/auths/admin/config', { ...config, JWT_EXPIRES_IN: value });
      cluster.disconnect(database);
      const { status } = await change;
      assert.ok([200, 503].includes(status), String(status));
      await sleep(kKnownMs + 500);
      const [one, two] = await Promise.all([0, 1].map(async (i) => (await fleet.at(i, admin).get('/api/v1/auths/admin/config', { expect: 200 })).json.JWT_EXPIRES_IN));
      assert.equal(one, two);
      if (status === 200) assert.equal(one, value);
    }
  }, { long: true });
});
