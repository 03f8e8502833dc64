import { ApiError } from '$/lib/api/http';
import type { AccessGrant } from '$/lib/api/types';
import type { UsersApi } from './api';

/** Somebody, or a group, with whom something is shared. */
export interface Named {
  type: 'user' | 'group';
  id: string;
  name: string;
  write: boolean;
}

/** Everyone with an account, as grants write it. */
export const everyoneId = '*';

type Unnamed = Omit<Named, 'name'>;

/** Who is in the grants, each once; who may write may read as well. Strangers ("anyone") are not among them. */
export function namedIn(grants: readonly AccessGrant[]): Unnamed[] {
  const found = new Map<string, Unnamed>();
  for (const { principal_type: type, principal_id: id, permission } of grants) {
    if (type !== 'user' && type !== 'group') continue;
    const key = `${type} ${id}`;
    found.set(key, { type, id, write: permission === 'write' || (found.get(key)?.write ?? false) });
  }
  return [...found.values()];
}

/** As servers want it: to write is one grant, to read another. */
export function grantsTo(named: readonly Unnamed[]): AccessGrant[] {
  return named.flatMap(({ type, id, write }) =>
    (write ? (['read', 'write'] as const) : (['read'] as const)).map((permission) => ({ principal_type: type, principal_id: id, permission })),
  );
}

/** Those named in the grants, with their names. Whoever is gone is named no longer. */
export async function whoIsNamed(users: UsersApi, grants: readonly AccessGrant[]): Promise<Named[]> {
  const named = await Promise.all(
    namedIn(grants).map(async (one) => {
      if (one.id === everyoneId) return { ...one, name: 'Everyone with an account' };
      const found = await (one.type === 'user' ? users.person(one.id) : users.group(one.id)).catch(unlessFinal);
      return found && { ...one, name: found.name };
    }),
  );
  return named.filter((one) => one !== null);
}

function unlessFinal(cause: unknown): null {
  if (cause instanceof ApiError && cause.final) return null;
  throw cause;
}
