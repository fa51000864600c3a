import { describe, expect, test } from 'vitest';
import {
  type AccessSubject,
  type AssetAction,
  type Decision,
  decideOnAsset,
  decideOnMaintenance,
  type MaintenanceAction,
} from '../../src/core/access-policy.ts';
import { type Identity, ROLES, type Role } from '../../src/core/identity.ts';

const ACTIONS: readonly AssetAction[] = ['read', 'delete', 'restore', 'publish', 'release'];

const identities: Record<string, Identity> = {
  owner: { user: 'ada', organization: 'acme', role: 'member' },
  colleague: { user: 'bob', organization: 'acme', role: 'member' },
  nobody: { user: null, organization: 'acme', role: 'member' },
  admin: { user: 'eve', organization: 'acme', role: 'admin' },
  outsider: { user: 'ada', organization: 'other', role: 'member' },
  'outside admin': { user: 'ada', organization: 'other', role: 'admin' },
  operator: { user: 'root', organization: 'other', role: 'operator' },
};

const subjects: Record<string, AccessSubject> = {
  'private asset of ada': { organizationId: 'acme', userId: 'ada', isPublic: false },
  'public asset of ada': { organizationId: 'acme', userId: 'ada', isPublic: true },
  'asset of nobody': { organizationId: 'acme', userId: null, isPublic: false },
};

const all = (decision: Decision) => ACTIONS.map(() => decision);
const reads = (decision: Decision): Decision[] => ['allow', decision, decision, decision, decision];
const owns: Decision[] = ['allow', 'allow', 'allow', 'allow', 'deny'];

// in the order of ACTIONS
const table: [who: string, what: string, decisions: Decision[]][] = [
  ['owner', 'private asset of ada', owns],
  ['owner', 'public asset of ada', owns],
  ['owner', 'asset of nobody', reads('deny')],
  ['colleague', 'private asset of ada', reads('deny')],
  ['colleague', 'public asset of ada', reads('deny')],
  ['colleague', 'asset of nobody', reads('deny')],
  ['nobody', 'private asset of ada', reads('deny')],
  ['nobody', 'public asset of ada', reads('deny')],
  ['nobody', 'asset of nobody', reads('deny')],
  ['admin', 'private asset of ada', all('allow')],
  ['admin', 'public asset of ada', all('allow')],
  ['admin', 'asset of nobody', all('allow')],
  ['outsider', 'private asset of ada', all('hide')],
  ['outsider', 'public asset of ada', reads('deny')],
  ['outsider', 'asset of nobody', all('hide')],
  ['outside admin', 'private asset of ada', all('hide')],
  ['outside admin', 'public asset of ada', reads('deny')],
  ['outside admin', 'asset of nobody', all('hide')],
  ['operator', 'private asset of ada', all('allow')],
  ['operator', 'public asset of ada', all('allow')],
  ['operator', 'asset of nobody', all('allow')],
];

describe('decideOnAsset', () => {
  test.each(table)('%s and the %s', (who, what, decisions) => {
    const identity = identities[who];
    const subject = subjects[what];
    if (identity === undefined || subject === undefined) throw new Error('the table names nobody');
    expect(ACTIONS.map((action) => decideOnAsset(identity, action, subject))).toEqual(decisions);
  });

  test('covers every identity with every subject', () => {
    expect(table).toHaveLength(Object.keys(identities).length * Object.keys(subjects).length);
  });
});

describe('decideOnMaintenance', () => {
  const atLeast: Record<MaintenanceAction, Role> = {
    migrate: 'admin',
    verify: 'admin',
    scan: 'admin',
    purge: 'admin',
    'touch-leftovers': 'operator',
    'administer-database': 'operator',
    'adopt-store': 'operator',
    'all-organizations': 'operator',
  };
  const cases = Object.entries(atLeast).flatMap(([action, least]) =>
    ROLES.map((role) => [role, action as MaintenanceAction, ROLES.indexOf(role) >= ROLES.indexOf(least)] as const),
  );

  test.each(cases)('%s: %s %s', (role, action, allowed) => {
    const identity = { user: 'ada', organization: 'acme', role };
    expect(decideOnMaintenance(identity, action)).toBe(allowed ? 'allow' : 'deny');
  });
});
