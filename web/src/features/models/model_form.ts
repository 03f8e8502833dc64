import { isRecord } from '$/lib/api/http';
import { everyoneId } from '$/features/users/named';
import type { AccessGrant, ModelForm, ModelInfo, ModelRow } from '$/lib/api/types';

export type Audience = 'everyone' | 'admins' | 'chosen';

export const everyone: readonly AccessGrant[] = [{ principal_type: 'user', principal_id: everyoneId, permission: 'read' }];

export function isPublic(grants: readonly AccessGrant[] | undefined): boolean {
  return (grants ?? []).some((grant) => grant.principal_type === 'user' && grant.principal_id === everyoneId && grant.permission === 'read');
}

export function audienceOf(row: ModelRow | undefined): Audience {
  if (isPublic(row?.access_grants)) return 'everyone';
  return row?.access_grants?.length ? 'chosen' : 'admins';
}

export function metaOf(row: ModelRow | undefined): Record<string, unknown> {
  return isRecord(row?.meta) ? row.meta : {};
}

export interface ModelChange {
  name: string;
  description: string;
  active: boolean;
  grants: readonly AccessGrant[];
}

/** What the form shows of a model as it is. */
export function present(model: ModelInfo, row: ModelRow | undefined): ModelChange {
  return {
    name: row?.name ?? model.name,
    description: String(metaOf(row).description ?? ''),
    active: row?.is_active ?? true,
    grants: row?.access_grants ?? [],
  };
}

/** A model that nobody changed yet has no row; changing it makes one, with what the row does not know left as it is. */
export function formFor(model: ModelInfo, row: ModelRow | undefined, change: ModelChange): ModelForm {
  return {
    id: model.id,
    base_model_id: row?.base_model_id ?? null,
    name: change.name.trim() || model.name,
    meta: { ...metaOf(row), description: change.description.trim() || null },
    params: isRecord(row?.params) ? row.params : {},
    is_active: change.active,
    access_grants: [...change.grants],
  };
}
