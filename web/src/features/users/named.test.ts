import { describe, expect, it } from 'vitest';
import { ApiError } from '$/lib/api/http';
import type { AccessGrant } from '$/lib/api/types';
import type { UsersApi } from './api';
import { grantsTo, namedIn, whoIsNamed } from './named';

const grant = (principal_type: string, principal_id: string, permission: string): AccessGrant => ({ principal_type, principal_id, permission });

describe('who something is shared with', () => {
  const grants = [grant('user', 'u', 'write'), grant('user', 'u', 'read'), grant('group', 'g', 'read'), grant('user', 'gone', 'read'), grant('anyone', '*', 'read')];

  it('is each once, and becomes the same grants again', () => {
    const named = namedIn(grants);

    expect(named).toEqual([
      { type: 'user', id: 'u', write: true },
      { type: 'group', id: 'g', write: false },
      { type: 'user', id: 'gone', write: false },
    ]);
    expect(grantsTo(named.slice(0, 2))).toEqual([grant('user', 'u', 'read'), grant('user', 'u', 'write'), grant('group', 'g', 'read')]);
  });

  it('is said by name, without those who are gone', async () => {
    const users = {
      person: async (id: string) => (id === 'u' ? { id, name: 'Uma' } : Promise.reject(new ApiError(404, 'Not found'))),
      group: async (id: string) => ({ id, name: 'Readers' }),
    } as unknown as UsersApi;

    expect((await whoIsNamed(users, [...grants, grant('user', '*', 'read')])).map(({ name }) => name)).toEqual(['Uma', 'Readers', 'Everyone with an account']);

    const away = { person: async () => Promise.reject(new ApiError(503, 'away')) } as unknown as UsersApi;
    await expect(whoIsNamed(away, grants.slice(0, 1)), 'nobody is forgotten because the server is away').rejects.toThrow('away');
  });
});
