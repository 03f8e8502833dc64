import { describe, expect, it } from 'vitest';
import { emptyConnection, fromOllama, fromOpenAI, headersError, toOllama, toOpenAI, urlError } from './connections';

describe('connections', () => {
  it('go to the form and back without losing what the form does not know', () => {
    const settings = {
      ENABLE_OPENAI_API: true,
      OPENAI_API_BASE_URLS: ['https://one.example/v1', 'https://two.example/v1'],
      OPENAI_API_KEYS: ['a', 'b'],
      OPENAI_API_CONFIGS: {
        '0': { enable: true, prefix_id: '', tags: [], model_ids: [] },
        '1': { enable: false, prefix_id: 'two', tags: [{ name: 'fast' }], model_ids: ['m1', 'm2'], headers: { 'X-Team': '7' }, unknown: 1 },
      },
    };

    const connections = fromOpenAI(settings);

    expect(connections[1]).toMatchObject({ enabled: false, prefix: 'two', tags: 'fast', models: 'm1\nm2' });
    expect(toOpenAI(connections, true)).toEqual(settings);
  });

  it('say how a server is spoken to, and nothing that is as usual', () => {
    const azure = { ...emptyConnection('openai'), url: 'https://a', provider: 'azure_openai', apiVersion: ' 2024-10-21 ', auth: 'none', place: 'local', takeover: 'continue', headers: 'X-Team: 7\n X-User:  {{USER_ID}} ' };

    expect(toOpenAI([azure], true).OPENAI_API_CONFIGS['0']).toMatchObject({
      provider: 'azure_openai',
      api_version: '2024-10-21',
      auth_type: 'none',
      takeover: 'continue',
      connection_type: 'local',
      headers: { 'X-Team': '7', 'X-User': '{{USER_ID}}' },
    });
    const usual = toOpenAI([{ ...emptyConnection('openai'), url: 'https://a' }], true).OPENAI_API_CONFIGS['0'];
    expect(Object.keys(usual!).toSorted()).toEqual(['enable', 'model_ids', 'prefix_id', 'tags']);
  });

  it('say which API answers are asked for with', () => {
    const responses = { ...emptyConnection('openai'), url: 'https://a', api: 'responses', background: true };
    expect(toOpenAI([responses], true).OPENAI_API_CONFIGS['0']).toMatchObject({ api_type: 'responses', background: true });

    const settings = { ENABLE_OPENAI_API: true, OPENAI_API_BASE_URLS: ['https://a'], OPENAI_API_KEYS: [''], OPENAI_API_CONFIGS: { '0': { api_type: 'chat_completions' } } };
    const [stored] = fromOpenAI(settings);
    expect(stored).toMatchObject({ api: '', background: false });
    expect(toOpenAI([stored!], true).OPENAI_API_CONFIGS['0']).toMatchObject({ api_type: 'chat_completions' });
    expect(toOpenAI([{ ...responses, background: false, config: { api_type: 'responses', background: true } }], true).OPENAI_API_CONFIGS['0']).toMatchObject({ background: false });
  });

  it('leave Azure when the form says so, however it was said before', () => {
    const config = { ENABLE_OPENAI_API: true, OPENAI_API_BASE_URLS: ['https://a'], OPENAI_API_KEYS: ['k'], OPENAI_API_CONFIGS: { '0': { azure: true } } };
    const [connection] = fromOpenAI(config);

    expect(connection!.provider).toBe('azure_openai');
    expect(toOpenAI([{ ...connection!, provider: '' }], true).OPENAI_API_CONFIGS['0']).not.toHaveProperty('azure');
  });

  it('renumber when one is taken out', () => {
    const connections = fromOpenAI({
      ENABLE_OPENAI_API: true,
      OPENAI_API_BASE_URLS: ['https://a', 'https://b'],
      OPENAI_API_KEYS: ['1'],
      OPENAI_API_CONFIGS: { '1': { prefix_id: 'b' } },
    });

    const saved = toOpenAI(connections.slice(1), true);

    expect(saved.OPENAI_API_BASE_URLS).toEqual(['https://b']);
    expect(saved.OPENAI_API_KEYS).toEqual(['']);
    expect(saved.OPENAI_API_CONFIGS['0']).toMatchObject({ prefix_id: 'b' });
  });

  it('keep the key of an Ollama server in its own place', () => {
    const [connection] = fromOllama({ ENABLE_OLLAMA_API: true, OLLAMA_BASE_URLS: ['http://a:11434'], OLLAMA_API_CONFIGS: { '0': { key: 'k' } } });

    expect(connection!.key).toBe('k');
    expect(toOllama([{ ...connection!, key: '' }], true).OLLAMA_API_CONFIGS['0']).not.toHaveProperty('key');
  });

  it('drop trailing slashes and empty words', () => {
    const connection = { ...emptyConnection('openai'), url: ' https://a/v1// ', tags: 'x, ,y', models: '\nm\n' };

    const saved = toOpenAI([connection], true);

    expect(saved.OPENAI_API_BASE_URLS).toEqual(['https://a/v1']);
    expect(saved.OPENAI_API_CONFIGS['0']).toMatchObject({ tags: [{ name: 'x' }, { name: 'y' }], model_ids: ['m'] });
  });
});

describe('headersError', () => {
  it('finds the line that is no header', () => {
    expect(headersError('X-A: 1\n\nX-B:2')).toBe('');
    expect(headersError('X-A: 1\nno header')).toContain('no header');
    expect(headersError('two words: 1')).not.toBe('');
  });
});

describe('urlError', () => {
  it('accepts only web addresses', () => {
    expect(urlError('http://localhost:1')).toBe('');
    expect(['', 'localhost:1234', 'file:///etc', 'example.org'].map(urlError).every((error) => error !== '')).toBe(true);
  });
});
