import { everyoneId, grantsTo, type Named } from '$/features/users/named';
import type { AccessGrant } from '$/lib/api/types';

/** Who may open the link of a shared chat, besides its owner. */
export type Audience = 'members' | 'anyone' | 'people' | 'nobody';

export interface AudienceChoice {
  audience: Audience;
  text: string;
  hint: string;
}

const all: readonly (AudienceChoice & { needs?: readonly [group: string, permission: string] })[] = [
  { audience: 'members', text: 'People with an account here', hint: 'They open the link signed in.', needs: ['sharing', 'public_chats'] },
  { audience: 'anyone', text: 'Anyone who has the link', hint: 'No account needed.', needs: ['sharing', 'open_chats'] },
  { audience: 'people', text: 'Only those I name', hint: 'They open the link signed in.', needs: ['access_grants', 'allow_users'] },
  { audience: 'nobody', text: 'Nobody but me for now', hint: 'The link works only for you.' },
];

/** What this user may choose from. What the server would refuse is not offered. */
export function audiences(may: (group: string, permission: string) => boolean): AudienceChoice[] {
  return all.filter(({ needs }) => !needs || may(...needs));
}

export function audienceOf(grants: readonly AccessGrant[]): Audience {
  if (grants.some((grant) => grant.principal_type === 'anyone')) return 'anyone';
  if (grants.some((grant) => grant.principal_type === 'user' && grant.principal_id === everyoneId)) return 'members';
  return grants.length ? 'people' : 'nobody';
}

export function grantsFor(audience: Audience, named: readonly Named[]): AccessGrant[] {
  const toAll = (principal_type: string): AccessGrant => ({ principal_type, principal_id: everyoneId, permission: 'read' });
  if (audience === 'anyone') return [toAll('anyone')];
  if (audience === 'members') return [toAll('user')];
  return audience === 'people' ? grantsTo(named) : [];
}
