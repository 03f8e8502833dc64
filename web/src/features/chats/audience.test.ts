import { describe, expect, it } from 'vitest';
import { audienceOf, audiences, grantsFor } from './audience';

const named = (may: string[]) => audiences((group, permission) => may.includes(`${group}.${permission}`)).map(({ audience }) => audience);

describe('who may open a shared chat', () => {
  it('offers only what the server would allow', () => {
    expect(named([])).toEqual(['nobody']);
    expect(named(['access_grants.allow_users'])).toEqual(['people', 'nobody']);
    expect(named(['sharing.public_chats', 'sharing.open_chats', 'access_grants.allow_users'])).toEqual(['members', 'anyone', 'people', 'nobody']);
  });

  it('is told from the grants, and becomes the same grants again', () => {
    const uma = { type: 'user', id: 'u', name: 'Uma', write: false } as const;
    for (const audience of ['members', 'anyone', 'people'] as const) expect(audienceOf(grantsFor(audience, [uma]))).toBe(audience);
    expect(grantsFor('nobody', [uma])).toEqual([]);
  });
});
