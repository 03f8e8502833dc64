import type { ModelInfo } from '$/lib/api/types';
import type { ModelsApi } from './api';

const comparedAtMost = 4;

/** The models this user may talk to, and the ones chosen for the next question. */
export class ModelList {
  items: readonly ModelInfo[] = $state.raw([]);
  loaded = $state(false);
  /** Whether one was chosen of what was read, if there is any. */
  settled = $state(false);
  /** Whether they could not be read. */
  failed = $state(false);
  chosen: readonly string[] = $state.raw([]);

  constructor(private readonly api: ModelsApi) {}

  async refresh(fromProviders = false): Promise<void> {
    this.failed = false;
    const { data } = await this.api.list(fromProviders).catch((cause: unknown) => {
      this.failed = true;
      throw cause;
    });
    this.items = data.filter((model) => !model.info?.meta?.hidden);
    this.loaded = true;
  }

  find(id: string | undefined): ModelInfo | undefined {
    return this.items.find((model) => model.id === id);
  }

  nameOf(id: string | undefined): string {
    return this.find(id)?.name ?? id ?? 'Unknown model';
  }

  /** Chooses the first candidates that exist, else the first model there is. */
  prefer(...candidates: (readonly string[] | undefined)[]): void {
    const known = candidates.map((ids) => (ids ?? []).filter((id) => this.find(id))).find((ids) => ids.length > 0);
    const first = this.items[0];
    this.chosen = (known ?? (first ? [first.id] : [])).slice(0, comparedAtMost);
    this.settled = this.loaded;
  }

  choose(id: string): void {
    this.chosen = [id];
  }

  /** Adds a model to the comparison or takes it out; one always stays. */
  toggle(id: string): void {
    if (!this.chosen.includes(id)) this.chosen = [...this.chosen, id].slice(-comparedAtMost);
    else if (this.chosen.length > 1) this.chosen = this.chosen.filter((other) => other !== id);
  }
}

/** Models that match all words, best first: names that begin with the query, then the rest in their order. */
export function findModels(models: readonly ModelInfo[], query: string): ModelInfo[] {
  const words = query.toLowerCase().split(/\s+/).filter(Boolean);
  const matching = models.filter((model) => {
    const text = `${model.name} ${model.id} ${(model.tags ?? []).map((tag) => tag.name).join(' ')}`.toLowerCase();
    return words.every((word) => text.includes(word));
  });
  const begins = (model: ModelInfo) => (words[0] && model.name.toLowerCase().startsWith(words[0]) ? 0 : 1);
  return matching.toSorted((a, b) => begins(a) - begins(b));
}
