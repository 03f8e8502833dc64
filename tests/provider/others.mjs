// Paths of model servers that tests only need to know were reached: each is recorded and answered with an empty object.
const kPaths = [
  'POST /v1/responses', 'POST /v1/embeddings', 'POST /v1/completions', 'POST /v1/messages',
  'GET /v1/echo', 'POST /v1/echo', 'PUT /v1/echo', 'DELETE /v1/echo',
  'POST /api/generate', 'POST /api/embed', 'POST /api/embeddings', 'POST /api/create', 'POST /api/copy', 'DELETE /api/push', 'POST /api/push',
];

function empty(context, body) {
  context.record({ options: {}, task: null, from: null, body, stream: false });
  context.json(200, {});
}

export const routes = Object.fromEntries(kPaths.map((path) => [path, empty]));
