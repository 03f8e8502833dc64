import { isRecord } from '$/lib/api/http';

/** That this answer was taken over from a server that stopped, and what it did then. */
export interface Takeover {
  policy: 'continue' | 'restart';
  /** Unix seconds. */
  at: number;
}

/** What a status says of that; null where it speaks of something else. */
export function takeoverOf(status: unknown): Takeover | null {
  if (!isRecord(status) || status.action !== 'takeover') return null;
  const { policy, at } = status;
  return (policy === 'continue' || policy === 'restart') && typeof at === 'number' ? { policy, at } : null;
}

/** The latest in a message's `statusHistory`. */
export function latestTakeover(history: unknown): Takeover | null {
  if (!Array.isArray(history)) return null;
  return history.map(takeoverOf).findLast((takeover) => takeover !== null) ?? null;
}

export function takeoverText({ policy, at }: Takeover): string {
  const time = new Date(at * 1000).toLocaleTimeString([], { hour: '2-digit', minute: '2-digit' });
  return policy === 'continue' ? `The server stopped; continued at ${time}` : `The server stopped; begun again at ${time}`;
}
