import { AssetError } from './errors.ts';

export const ROLES = ['member', 'admin', 'operator'] as const;
export type Role = (typeof ROLES)[number];

/** Who acts: for access checks and for the audit trail. */
export interface Identity {
  /** null: a program without a user (`--as -`). */
  user: string | null;
  organization: string;
  role: Role;
}

/**
 * Which organisations a query may touch. There is no default: whoever asks for
 * assets says for whom, and the types see to it.
 */
export type OrganizationScope = { organization: string } | { allOrganizations: true };

const ID_PATTERN = /^[A-Za-z0-9][A-Za-z0-9._@-]{0,63}$/;
const RESERVED_IDS = new Set(['public', 'quarantine', 'lost+found']);

export type IdKind = 'organization' | 'user' | 'project';

/**
 * Accepts an organisation, user or project id, which becomes part of storage paths.
 * @throws AssetError USAGE
 */
export function checkId(kind: IdKind, value: string): string {
  if (!ID_PATTERN.test(value)) {
    throw new AssetError('USAGE', `"${value}" is not a valid ${kind} id`, {
      hint: 'Use 1 to 64 of the characters A-Z a-z 0-9 . _ @ - and begin with a letter or a digit.',
    });
  }
  if (kind === 'organization' && value.endsWith('.')) {
    throw new AssetError('USAGE', `"${value}" cannot be an organization id: it ends with a dot`, {
      hint: 'Leave the dot out: it would end a folder name, where some stores drop it.',
    });
  }
  if (RESERVED_IDS.has(value.toLowerCase())) {
    throw new AssetError('USAGE', `"${value}" is reserved and cannot be a ${kind} id`, {
      hint: `Choose another: ${[...RESERVED_IDS].join(', ')} are names of folders that stores have.`,
    });
  }
  return value;
}
