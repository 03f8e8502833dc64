// Cells whose answer does not follow from the declaration alone, each with its reason. A cell that is neither is a failure.

/** Whoever may call it gets this status instead of 200, with the input of the matrix. */
const kOutcomes = {
  'POST /ws/socket.io': [400, 'without EIO=4 it is no Engine.IO request'],
  'POST /ws/socket.io/': [400, 'the same'],
  'POST /api/v1/chats/{id}/messages/{message_id}/resolve': [404, 'no tool call ever waits for an answer'],
  'GET /api/v1/users/{id}/oauth/sessions': [400, 'there is no OAuth yet'],
  'POST /api/v1/auths/oauth/{provider}/token/exchange': [403, 'the same'],
  'DELETE /api/v1/auths/oauth/sessions/{provider}': [404, 'the same'],
  'POST /api/v1/auths/admin/config/oauth': [400, 'the same'],
  'POST /api/v1/auths/ldap': [400, 'there is no LDAP yet'],
  'POST /api/v1/auths/admin/config/ldap/server': [400, 'the same'],
  'GET /api/v1/channels/': [403, 'there are no channels yet'],
  'GET /api/v1/channels/list': [403, 'the same'],
  'POST /api/chat/actions/{action_id}': [404, 'there are no actions yet'],
  'GET /openai/models/{url_idx}/download/status/{job_id}': [400, 'llama.cpp tells of downloads in its events'],
  'POST /api/v1/utils/code/format': [400, 'there is no Python interpreter'],
  'GET /api/v1/utils/db/download': [[200, 400], 'SQLite only'],
  'POST /ollama/models/upload': [422, 'JSON holds no file'],
  'POST /ollama/models/upload/{url_idx}': [422, 'the same'],
  'POST /api/v1/files/': [422, 'the same'],
  'DELETE /ollama/api/delete': [404, 'the model named is not there'],
  'DELETE /ollama/api/delete/{url_idx}': [404, 'the same'],
};

/** [status, why] where it is not 200. */
export function outcome(route, person) {
  const isAdmin = person.role === 'admin' && !person.scope;
  if (guardedInside.has(route.name)) return isAdmin ? [200, ''] : [401, 'for administrators'];
  if (/^GET \/ws\/socket\.io/.test(route.name)) return person.cookie === 'foreign' ? [403, 'a foreign page'] : [400, 'no EIO=4'];
  if (/\/mfa\/(?!status)/.test(route.name)) return [403, 'there are no second factors yet'];
  if (route.name === 'GET /openai/{path...}' && !isAdmin) return [403, 'a GET names no model'];
  return kOutcomes[route.name];
}

/** Open to everybody by declaration; the handler itself tells administrators (or a token) from others: 401. */
export const guardedInside = new Set(['GET /metrics', 'GET /openapi.json']);

/** What strangers may reach at all (row 114): everything else is 401 for them. */
export const forStrangers = new Set([
  // Signing in, in every way there is.
  'POST /api/v1/auths/signup',
  'POST /api/v1/auths/signin',
  'POST /api/v1/auths/signout',
  'POST /api/v1/auths/ldap',
  'POST /api/v1/auths/oauth/{provider}/token/exchange',
  'POST /api/v1/auths/mfa/challenge',
  'POST /api/v1/auths/mfa/enroll/start',
  'POST /api/v1/auths/mfa/enroll/confirm',
  'POST /api/v1/auths/mfa/verify',
  'POST /api/v1/auths/mfa/recover',
  // What a page needs before that, and what machines ask.
  'GET /api/config',
  'GET /api/version',
  'GET /api/changelog',
  'GET /manifest.json',
  'GET /opensearch.xml',
  'GET /health',
  'GET /health/db',
  'GET /ready',
  'GET /ollama',
  'GET /ollama/',
  // Sockets, whose sign-in is inside.
  'GET /ws/socket.io',
  'GET /ws/socket.io/',
  'POST /ws/socket.io',
  'POST /ws/socket.io/',
  // Chats whose owner opened them to everybody.
  'GET /api/v1/chats/share/{share_id}',
  ...guardedInside,
]);

/** Where a foreign thing is not refused: what comes instead, the same as for one that is not there. */
export const foreignIs = {
  'GET /api/tasks/chat/{chat_id}': [200, 'an empty list, as upstream answers'],
  'GET /api/v1/chats/folder/{folder_id}': [200, 'the chats in it that are the caller\'s: none'],
  'GET /api/v1/chats/folder/{folder_id}/list': [200, 'the same'],
  'GET /api/v1/models/export': [200, 'those of the wanted that the caller may write: none'],
  'GET /api/v1/evaluations/feedbacks/user': [200, 'the caller\'s own ratings, of whatever model'],
  'GET /api/v1/models/model/profile/image': [200, 'the picture of models that have none'],
};

/** Kinds of things of users that administrators may use as their own. Chats are not among them. */
export const forAdmins = new Set(['model', 'version', 'feedback', 'file', 'knowledge', 'directory']);

/** … and the routes where they may although the kind is not in it, or may not although it is. */
export const adminMay = {
  'GET /api/v1/chats/{id}': [true, 'ENABLE_ADMIN_CHAT_ACCESS: reading'],
  'GET /api/v1/chats/{id}/branch': [true, 'the same'],
  'POST /api/v1/chats/{id}/branch': [true, 'the same: only the owner\'s going there is remembered'],
  'GET /api/v1/chats/{id}/tags': [true, 'the same'],
  'POST /api/v1/chats/{id}/fork': [true, 'the same: a copy of what may be read'],
  'GET /api/v1/chats/stats/export/{chat_id}': [true, 'ENABLE_ADMIN_CHAT_ACCESS: what a chat holds, without its words'],
  'GET /api/v1/analytics/messages': [true, 'ENABLE_ADMIN_CHAT_ACCESS: reading'],
  'DELETE /api/v1/chats/{id}': [true, 'ENABLE_ADMIN_CHAT_ACCESS: deleting'],
  'GET /api/v1/chats/share/{share_id}': [true, 'ENABLE_ADMIN_CHAT_ACCESS: opening links'],
  'POST /api/v1/chats/{id}/clone/shared': [true, 'the same'],
};

/** Ends the session it comes with, so it is asked by a stand-in. */
export const endsSession = new Set(['POST /api/v1/auths/signout', 'POST /api/v1/auths/update/password']);

/** Members whose answer tells a foreign thing from none, and must. */
export const tells = {
  'POST /api/v1/models/create id': 'the id of a model is its name in the whole house, chosen by whoever makes it: a taken one is refused',
  'POST /api/v1/models/import models.0.id': 'the same',
  'GET /api/v1/evaluations/feedbacks/user ?model_id': 'lists the caller\'s own ratings, which other cells make at the same time',
};

/** Takes away what other cells need, so it comes last. */
export const comesLast = new Set(['DELETE /api/v1/files/all', 'DELETE /api/v1/models/delete/all', 'POST /api/v1/models/sync']);
