// Files as clients send them.

/** Gives {status, text, json}. */
export async function upload(client, bytes, name, { type = 'text/plain', metadata, expect = null } = {}) {
  const form = new FormData();
  form.append('file', new Blob([bytes], { type }), name);
  if (metadata !== undefined) form.append('metadata', JSON.stringify(metadata));
  const reply = await fetch(`${client.url}/api/v1/files/`, { method: 'POST', body: form, headers: { Authorization: `Bearer ${client.token}` } });
  const text = await reply.text();
  if (expect !== null && reply.status !== expect) throw new Error(`upload of ${name}: ${reply.status} instead of ${expect}: ${text.slice(0, 500)}`);
  return { status: reply.status, text, json: JSON.parse(text) };
}
