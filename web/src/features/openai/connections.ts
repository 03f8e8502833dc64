import type { ConnectionOptions, OllamaConfig, OpenAIConfig } from '$/lib/api/types';

export type Kind = 'openai' | 'ollama';

/** A connection as the form shows it. `config` keeps what the form does not know. */
export interface Connection {
  kind: Kind;
  url: string;
  key: string;
  enabled: boolean;
  prefix: string;
  tags: string;
  models: string;
  /** How its server wants to be spoken to: '' as OpenAI, or 'azure_openai'. */
  provider: string;
  apiVersion: string;
  /** '': by chat completions, or 'responses'. */
  api: string;
  /** Answers are written at its server whether we read them or not. Of the Responses API only. */
  background: boolean;
  /** 'bearer': it is shown the key; 'none': nothing is. */
  auth: string;
  /** 'external' or 'local', told to those who choose a model. */
  place: string;
  /** What becomes of an answer whose server is gone: '' as the whole server does, or keep, continue, restart. */
  takeover: string;
  /** One on a line: "Name: value". */
  headers: string;
  config: ConnectionOptions;
}

export function emptyConnection(kind: Kind): Connection {
  return { kind, url: '', key: '', ...formOf({}) };
}

export function fromOpenAI(settings: OpenAIConfig): Connection[] {
  return settings.OPENAI_API_BASE_URLS.map((url, index) => {
    const config = settings.OPENAI_API_CONFIGS[String(index)] ?? settings.OPENAI_API_CONFIGS[url] ?? {};
    return { kind: 'openai', url, key: settings.OPENAI_API_KEYS[index] ?? '', ...formOf(config) };
  });
}

export function fromOllama(settings: OllamaConfig): Connection[] {
  return settings.OLLAMA_BASE_URLS.map((url, index) => {
    const config = settings.OLLAMA_API_CONFIGS[String(index)] ?? settings.OLLAMA_API_CONFIGS[url] ?? {};
    return { kind: 'ollama', url, key: config.key ?? '', ...formOf(config) };
  });
}

export function toOpenAI(connections: readonly Connection[], enabled: boolean): OpenAIConfig {
  return {
    ENABLE_OPENAI_API: enabled,
    OPENAI_API_BASE_URLS: connections.map((connection) => trimUrl(connection.url)),
    OPENAI_API_KEYS: connections.map((connection) => connection.key.trim()),
    OPENAI_API_CONFIGS: Object.fromEntries(connections.map((connection, index) => [String(index), configOf(connection)])),
  };
}

export function toOllama(connections: readonly Connection[], enabled: boolean): OllamaConfig {
  const configs = connections.map((connection, index) => {
    const config = configOf(connection);
    if (connection.key.trim()) config.key = connection.key.trim();
    else delete config.key;
    return [String(index), config];
  });
  return {
    ENABLE_OLLAMA_API: enabled,
    OLLAMA_BASE_URLS: connections.map((connection) => trimUrl(connection.url)),
    OLLAMA_API_CONFIGS: Object.fromEntries(configs),
  };
}

function formOf(config: ConnectionOptions): Omit<Connection, 'kind' | 'url' | 'key'> {
  return {
    enabled: config.enable !== false,
    prefix: config.prefix_id ?? '',
    tags: (config.tags ?? []).map((tag) => tag.name).join(', '),
    models: (config.model_ids ?? []).join('\n'),
    provider: isAzure(config) ? 'azure_openai' : (config.provider ?? ''),
    apiVersion: config.api_version ?? '',
    api: config.api_type === 'responses' ? 'responses' : '',
    background: config.background === true,
    auth: config.auth_type || 'bearer',
    place: config.connection_type ?? '',
    takeover: config.takeover ?? '',
    headers: Object.entries(config.headers ?? {}).map(([name, value]) => `${name}: ${value}`).join('\n'),
    config,
  };
}

function isAzure(config: ConnectionOptions): boolean {
  return config.azure === true || config.provider === 'azure' || config.provider === 'azure_openai';
}

/** What was not there and stays as it was is left out. */
export function configOf(connection: Connection): ConnectionOptions {
  const { config } = connection;
  const names = words(connection.tags, /,/);
  const { azure: _azure, headers: _headers, ...rest } = config;
  const headers = headersOf(connection.headers);
  const put = (name: 'provider' | 'api_version' | 'auth_type' | 'connection_type' | 'takeover', value: string, otherwise = '') =>
    value !== otherwise || config[name] !== undefined ? { [name]: value } : {};
  return {
    ...rest,
    enable: connection.enabled,
    prefix_id: connection.prefix.trim(),
    tags: names.map((name) => ({ name })),
    model_ids: words(connection.models, /[\n,]/),
    ...put('provider', connection.provider),
    ...put('api_version', connection.apiVersion.trim()),
    ...(connection.api === formOf(config).api ? {} : { api_type: connection.api }),
    ...(connection.background || config.background !== undefined ? { background: connection.background } : {}),
    ...put('auth_type', connection.auth, 'bearer'),
    ...put('connection_type', connection.place),
    ...put('takeover', connection.takeover),
    ...(Object.keys(headers).length ? { headers } : {}),
  };
}

function headersOf(text: string): Record<string, string> {
  const pairs = words(text, /\n/).map((line): [string, string] => {
    const colon = line.indexOf(':');
    return [line.slice(0, colon).trim(), line.slice(colon + 1).trim()];
  });
  return Object.fromEntries(pairs);
}

/** Says what is wrong with the headers before the server has to. */
export function headersError(text: string): string {
  const wrong = words(text, /\n/).find((line) => !/^[\w!#$%&'*+.^`|~-]+:/.test(line));
  return wrong === undefined ? '' : `“${wrong}” is no header. Write “Name: value”.`;
}

/** Says what is wrong with an address before the server has to. */
export function urlError(url: string): string {
  if (!url.trim()) return 'An address is needed.';
  try {
    return /^https?:$/.test(new URL(url.trim()).protocol) ? '' : 'It has to begin with http:// or https://.';
  } catch {
    return 'This is not a complete address; it has to begin with http:// or https://.';
  }
}

function trimUrl(url: string): string {
  return url.trim().replace(/\/+$/, '');
}

function words(text: string, separator: RegExp): string[] {
  return text.split(separator).map((word) => word.trim()).filter(Boolean);
}
