// Pictures as people give them to their accounts and models.
import { randomBytes } from 'node:crypto';

const kPng = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);

/** Bytes that no other picture has. */
export const somePng = (size = 2000) => Buffer.concat([kPng, randomBytes(size - kPng.length)]);
export const dataUrl = (png) => `data:image/png;base64,${png.toString('base64')}`;

/** What a path gives: {status, type, bytes, text}. */
export async function fetchBytes(client, path) {
  const reply = await fetch(client.url + path, { headers: { Authorization: `Bearer ${client.token}` } });
  const bytes = Buffer.from(await reply.arrayBuffer());
  return { status: reply.status, type: reply.headers.get('content-type'), bytes, text: bytes.toString('utf8', 0, 500) };
}

export const setPicture = (client, png, options) =>
  client.post('/api/v1/auths/update/profile', { name: 'Somebody', profile_image_url: dataUrl(png) }, options);
export const pictureOf = (client, user) => fetchBytes(client, `/api/v1/users/${user.id}/profile/image`);
