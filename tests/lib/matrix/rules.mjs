// Cells whose answer does not follow from the declaration alone, each with its reason. A cell that is neither is a failure.

/** Whoever may call it gets this status instead of 200, with the input of the matrix. */
export const outcomes = {
  'GET /ws/socket.io': [400, 'without EIO=4 it is no Engine.IO request'],
  'GET /ws/socket.io/': [400, 'the same'],
  'POST /ws/socket.io': [400, 'the same'],
  'POST /ws/socket.io/': [400, 'the same'],
};

/** Open to everybody by declaration; the handler itself tells administrators (or a token) from others: 401. */
export const guardedInside = new Set(['GET /metrics', 'GET /openapi.json']);

/** What strangers may reach at all (row 114): everything else is 401 for them. */
export const forStrangers = new Set([
]);

/** `own`: what an administrator may do with a user's thing of this kind and right; else it is as if it were not there. */
export function adminMay(route, kinds) {
  return kinds.every((kind) => ['feedback', 'model', 'version'].includes(kind));
}

/** Things that every signed-in user may see, whoever's they are. */
export const visible = {};

/** Somebody else's thing is answered with this status, and so is one that does not exist. */
export const foreignIs = {};
