import type { TokenRecord } from '../../catalog/catalog.ts';
import type { ItemShape } from './sink.ts';

/** Tokens in every format; of the secret there is nothing to show. */
export const TOKEN_SHAPE: ItemShape<TokenRecord> = {
  listName: 'tokens',
  toJson: ({
    id,
    name,
    userId,
    organizationId,
    role,
    scope,
    createdBy,
    createdAt,
    expiresAt,
    lastUsedAt,
    revokedAt,
    state,
  }) => ({
    ...{ id, name, userId, organizationId, role, scope, createdBy, createdAt, expiresAt, lastUsedAt, revokedAt },
    status: state,
  }),
  columns: [
    {
      header: 'ID',
      value: ({ id }) => id,
      width: 36,
      short: { below: 150, width: 8, value: ({ id }) => id.slice(0, 8) },
    },
    { header: 'USER', value: ({ userId }) => userId ?? '-', width: 12 },
    { header: 'ORG', value: ({ organizationId }) => organizationId, width: 12, from: 94 },
    { header: 'ROLE', value: ({ role }) => role, width: 8, from: 50 },
    { header: 'SCOPE', value: ({ scope }) => scope.join(','), width: 10, from: 80 },
    { header: 'STATUS', value: ({ state }) => state, width: 7 },
    { header: 'LAST USED', value: ({ lastUsedAt }) => minutes(lastUsedAt) ?? 'never', width: 16, from: 112 },
    { header: 'EXPIRES', value: ({ expiresAt }) => minutes(expiresAt) ?? '', width: 16, from: 68 },
    { header: 'NAME', value: ({ name }) => name ?? '', width: 7, flexible: true },
  ],
};

function minutes(time: string | null): string | undefined {
  return time?.slice(0, 16).replace('T', ' ');
}
