import type { ModelInfo } from '$/lib/api/types';

/** The model the server itself plays while nothing real is connected. */
export function demonstrationModel(models: readonly ModelInfo[]): ModelInfo | undefined {
  return models.find((model) => model.id === 'antiphon-demo');
}

/** Whether there is nobody real to talk to yet. */
export function needsConnection(models: readonly ModelInfo[]): boolean {
  return models.every((model) => model === demonstrationModel(models));
}
