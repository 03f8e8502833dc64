// Paths of model servers that tests only need to know were reached: each is recorded and answered with an empty object.
const kPaths = [
  'POST /v1/responses', 'POST /v1/embeddings', 'POST /v1/completions', 'POST /v1/messages',
  'GET /models', 'POST /models', 'DELETE /models', 'POST /models/load', 'POST /models/unload', // llama.cpp's router
  'GET /api/v1/models', 'POST /api/v1/models/download', 'GET /api/v1/models/download/status/1', // LM Studio
  'GET /v1/echo', 'POST /v1/echo', 'PUT /v1/echo', 'DELETE /v1/echo',
  'POST /api/generate', 'POST /api/embed', 'POST /api/embeddings', 'POST /api/create', 'POST /api/copy', 'DELETE /api/push', 'POST /api/push',
];

function empty(context, body) {
  context.record({ options: {}, task: null, from: null, body, stream: false });
  context.json(200, {});
}

/** One event, and the stream ends: what asks does not wait. */
function events(context, body) {
  context.record({ options: {}, task: null, from: null, body, stream: true });
  context.response.writeHead(200, { 'Content-Type': 'text/event-stream' });
  context.response.end('data: {"model":"numbered","status":"loaded"}\n\n');
}

/** As much sound as a test needs. */
function speech(context, body) {
  context.record({ options: {}, task: null, from: null, body, stream: false });
  context.response.writeHead(200, { 'Content-Type': 'audio/mpeg' });
  context.response.end('ID3');
}

export const routes = {
  ...Object.fromEntries(kPaths.map((path) => [path, empty])),
  'GET /models/sse': events,
  'POST /v1/audio/speech': speech,
};
