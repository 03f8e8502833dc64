import { isRecord } from '$/lib/api/http';
import type { Message } from '$/lib/api/types';

export interface Advice {
  /** What happened, in the words of whoever refused. */
  cause: string;
  /** What the reader can do about it. */
  next: string;
}

const advices: readonly (readonly [pattern: RegExp, next: string])[] = [
  [/rate.?limit|too many requests|\b429\b|quota|overloaded|\b529\b/i, 'The model’s provider asks for patience. Wait a minute and regenerate, or choose another model.'],
  [/api.?key|unauthori[sz]ed|\b401\b|authentication|invalid.*key/i, 'The provider refused the key. An administrator can correct it under Admin → Connections.'],
  [/context.?(length|window)|too many tokens|maximum.*tokens|exceeds.*(limit|length)/i, 'The conversation no longer fits this model. Start a new chat, or choose a model that reads more.'],
  [/model.*(not found|does not exist)|no such model|unknown model|model_not_found/i, 'This model is not available any more. Choose another one above and regenerate.'],
  [/connect|refused|unreachable|resolve|timed? ?out|timeout|stalled|reset|econn|network|closed|not completed|incomplete|broken|payload/i, 'The model’s server did not answer. What arrived is kept: continue or regenerate, and tell an administrator if it stays like this.'],
  [/interrupted|restart|shut ?down/i, 'The server stopped while this was being written. What arrived is kept: press Continue.'],
  [/content.?(policy|filter)|safety|moderation/i, 'The provider declined to answer this. Try other words.'],
];

export function errorText(error: Message['error']): string | null {
  if (!error) return null;
  if (typeof error === 'string') return error;
  const said = isRecord(error) ? (error.content || error.message) : null;
  return typeof said === 'string' && said ? said : 'The answer failed.';
}

export function adviceFor(error: Message['error']): Advice | null {
  const cause = errorText(error);
  if (cause === null) return null;
  const match = advices.find(([pattern]) => pattern.test(cause));
  return { cause, next: match?.[1] ?? 'Try again, or choose another model.' };
}
