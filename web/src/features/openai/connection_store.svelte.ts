import type { OllamaApi } from '$/features/ollama/api';
import type { OpenAIApi } from './api';
import { configOf, fromOllama, fromOpenAI, toOllama, toOpenAI, type Connection, type Kind } from './connections';

/** All connections to model servers, of both kinds. Every change is saved whole: that is how the server keeps them. */
export class ConnectionStore {
  openai: readonly Connection[] = $state.raw([]);
  ollama: readonly Connection[] = $state.raw([]);
  openaiEnabled = $state(true);
  ollamaEnabled = $state(true);
  loaded = $state(false);

  constructor(
    private readonly openaiApi: OpenAIApi,
    private readonly ollamaApi: OllamaApi,
  ) {}

  of(kind: Kind): readonly Connection[] {
    return kind === 'openai' ? this.openai : this.ollama;
  }

  isEnabled(kind: Kind): boolean {
    return kind === 'openai' ? this.openaiEnabled : this.ollamaEnabled;
  }

  async refresh(): Promise<void> {
    const [openai, ollama] = await Promise.all([this.openaiApi.config(), this.ollamaApi.config()]);
    this.openai = fromOpenAI(openai);
    this.ollama = fromOllama(ollama);
    this.openaiEnabled = openai.ENABLE_OPENAI_API ?? true;
    this.ollamaEnabled = ollama.ENABLE_OLLAMA_API ?? true;
    this.loaded = true;
  }

  /** Replaces the connection at `index`, or adds one (null). Adding switches its kind on. */
  async put(index: number | null, connection: Connection): Promise<void> {
    const all = [...this.of(connection.kind)];
    if (index === null) all.push(connection);
    else all[index] = connection;
    await this.#save(connection.kind, all, index === null ? true : this.isEnabled(connection.kind));
  }

  async switch(kind: Kind, index: number, enabled: boolean): Promise<void> {
    await this.put(index, { ...this.of(kind)[index]!, enabled });
  }

  async remove(kind: Kind, index: number): Promise<void> {
    await this.#save(kind, this.of(kind).toSpliced(index, 1), this.isEnabled(kind));
  }

  async setEnabled(kind: Kind, enabled: boolean): Promise<void> {
    await this.#save(kind, this.of(kind), enabled);
  }

  /** Asks the server to try the connection; says what it found. */
  async verify(connection: Connection): Promise<string> {
    if (connection.kind === 'ollama') {
      const reply = await this.ollamaApi.verify(connection.url.trim(), connection.key.trim(), configOf(connection));
      return reply?.version ? `It answers: Ollama ${reply.version}.` : 'It answers.';
    }
    const reply = await this.openaiApi.verify(connection.url.trim(), connection.key.trim(), configOf(connection));
    const count = reply?.data?.length;
    return count === undefined ? 'It answers.' : count === 1 ? 'It answers and offers one model.' : `It answers and offers ${count} models.`;
  }

  async #save(kind: Kind, connections: readonly Connection[], enabled: boolean): Promise<void> {
    if (kind === 'openai') await this.openaiApi.saveConfig(toOpenAI(connections, enabled));
    else await this.ollamaApi.saveConfig(toOllama(connections, enabled));
    await this.refresh();
  }
}
