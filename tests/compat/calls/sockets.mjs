// The socket: joining, acknowledgements, and what others may not.
import { sleep } from '../../lib/until.mjs';

async function keep(w, name, read) {
  let body;
  try {
    body = await read();
  } catch (error) {
    body = `<${error.message.split('\n')[0]}>`;
  }
  w.keepValue(name, 'socket', body);
}

const ack = (socket, ...args) => socket.timeout(1500).emitWithAck(...args).catch(() => '<no answer>');

export async function sockets(w) {
  const { token } = w.person('bob');
  const bob = w.person('bob');
  await keep(w, 'user-join with a token', async () => {
    const socket = await bob.connect();
    return ack(socket, 'user-join', { auth: { token } });
  });
  await keep(w, 'user-join on a socket that came without a token', async () => {
    const socket = await bob.connect({ token: null });
    return ack(socket, 'user-join', { auth: { token } });
  });
  await keep(w, 'user-join with a bad token', async () => {
    const socket = await bob.connect();
    return ack(socket, 'user-join', { auth: { token: 'x' } });
  });
  await keep(w, 'join and leave one\'s own chat', async () => {
    const socket = await bob.connect();
    const list = (await bob.get('/api/v1/chats/?page=1')).json;
    const chat_id = list?.[0]?.id;
    return [await ack(socket, 'events:chat', { chat_id, data: { type: 'join' } }), await ack(socket, 'events:chat', { chat_id, data: { type: 'leave' } })];
  });
  await keep(w, 'join a chat of another', async () => {
    const list = (await bob.get('/api/v1/chats/?page=1')).json;
    const socket = await w.person('eve').connect();
    return ack(socket, 'events:chat', { chat_id: list?.[0]?.id, data: { type: 'join' } });
  });
  await keep(w, 'read marks come back as chat:list', async () => {
    const list = (await bob.get('/api/v1/chats/?page=1')).json;
    const socket = await bob.connect();
    socket.emit('events:chat', { chat_id: list?.[0]?.id, data: { type: 'last_read_at' } });
    await sleep(700);
    // Open WebUI counts the folders only when the second has changed since.
    return socket.seen.map(({ data }) => ({ ...data, data: { ...data.data, folder_unread_counts: undefined } }));
  });
  await keep(w, 'heartbeat and usage want no answer', async () => {
    const socket = await bob.connect();
    socket.emit('heartbeat', {});
    socket.emit('usage', { action: 'chat', model: 'numbered', chat_id: 'x' });
    await sleep(300);
    return [socket.connected, (await bob.get('/api/usage')).json?.model_ids];
  });
  await keep(w, 'polling', async () => {
    const reply = await bob.get('/ws/socket.io/?EIO=4&transport=polling');
    return [reply.status];
  });
}
