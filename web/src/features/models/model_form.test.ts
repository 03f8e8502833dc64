import { describe, expect, it } from 'vitest';
import type { AccessGrant, ModelRow } from '$/lib/api/types';
import { audienceOf, formFor, present } from './model_form';

const everyone: AccessGrant = { principal_type: 'user', principal_id: '*', permission: 'read' };
const group: AccessGrant = { principal_type: 'group', principal_id: 'g', permission: 'read' };
const row = (access_grants: AccessGrant[]): ModelRow => ({
  id: 'm',
  base_model_id: null,
  name: 'M',
  params: { temperature: 1 },
  meta: { capabilities: { vision: true } },
  is_active: true,
  access_grants,
});

describe('model access', () => {
  it('is read from the grants', () => {
    expect([audienceOf(undefined), audienceOf(row([])), audienceOf(row([group])), audienceOf(row([group, everyone]))]).toEqual([
      'admins',
      'admins',
      'chosen',
      'everyone',
    ]);
  });
});

describe('formFor', () => {
  it('changes nothing of what is present', () => {
    const before = row([group]);
    const form = formFor({ id: 'm', name: 'm' }, before, present({ id: 'm', name: 'm' }, before));

    expect(form).toEqual({ ...before, meta: { ...before.meta as object, description: null } });
  });

  it('leaves alone what the form does not show', () => {
    const form = formFor({ id: 'm', name: 'm' }, row([]), { name: '', description: 'fast', active: false, grants: [] });

    expect(form).toEqual({
      id: 'm',
      base_model_id: null,
      name: 'm',
      meta: { capabilities: { vision: true }, description: 'fast' },
      params: { temperature: 1 },
      is_active: false,
      access_grants: [],
    });
  });
});
