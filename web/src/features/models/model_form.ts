import { isRecord } from '$/lib/api/http';
import type { AccessGrant, ModelForm, ModelInfo, ModelRow } from '$/lib/api/types';

export type Audience = 'everyone' | 'admins' | 'chosen';

export function isPublic(grants: readonly AccessGrant[] | undefined): boolean {
  return (grants ?? []).some((grant) => grant.principal_type === 'user' && grant.principal_id === '*' && grant.permission === 'read');
}

export function audienceOf(row: ModelRow | undefined): Audience {
  if (isPublic(row?.access_grants)) return 'everyone';
  return row?.access_grants?.length ? 'chosen' : 'admins';
}

/** The grants for an audience. "Chosen" people were named elsewhere and stay as they are. */
export function grantsFor(audience: Audience, present: readonly AccessGrant[] | undefined): AccessGrant[] {
  if (audience === 'everyone') return [{ principal_type: 'user', principal_id: '*', permission: 'read' }];
  if (audience === 'admins') return [];
  return (present ?? []).filter((grant) => grant.principal_id !== '*');
}

export function metaOf(row: ModelRow | undefined): Record<string, unknown> {
  return isRecord(row?.meta) ? row.meta : {};
}

/** A model that nobody changed yet has no row; changing it makes one, with what the row does not know left as it is. */
export function formFor(model: ModelInfo, row: ModelRow | undefined, change: { name: string; description: string; active: boolean; grants: AccessGrant[] }): ModelForm {
  return {
    id: model.id,
    base_model_id: row?.base_model_id ?? null,
    name: change.name.trim() || model.name,
    meta: { ...metaOf(row), description: change.description.trim() || null },
    params: isRecord(row?.params) ? row.params : {},
    is_active: change.active,
    access_grants: change.grants,
  };
}
