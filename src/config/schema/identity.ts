import * as z from 'zod/mini';
import { ROLES } from '../../core/identity.ts';
import { id, key, userId } from './kinds.ts';

export const identity = key(
  z.strictObject({
    user: key(userId(), 'The user who acts; "-" for nobody. Else the login name.'),
    organization: key(id('organization'), 'The organisation for which it acts.', 'default'),
    role: key(z.enum(ROLES), 'With which rights. Default: operator on SQLite, member on PostgreSQL.'),
  }),
  'Who acts, for access checks and the audit trail.',
);
