import type { Pool } from 'pg';
import { AssetError } from '../../core/errors.ts';
import type { PostgresSettings, SessionKind } from './settings.ts';

interface ServerState {
  standby: boolean;
  read_only: boolean;
}

const FITS: Readonly<Record<SessionKind, (state: ServerState) => boolean>> = {
  any: () => true,
  // Of one host there is no other to prefer.
  'prefer-standby': () => true,
  'read-write': (state) => !state.read_only && !state.standby,
  'read-only': (state) => state.read_only || state.standby,
  primary: (state) => !state.standby,
  standby: (state) => state.standby,
};

/**
 * Compares the server with target_session_attrs.
 * @throws AssetError DATABASE_UNUSABLE
 */
export async function checkSession(pool: Pool, { session, location }: PostgresSettings): Promise<void> {
  if (session === 'any' || session === 'prefer-standby') return;
  const { rows } = await pool.query<ServerState>(
    "select pg_is_in_recovery() as standby, current_setting('default_transaction_read_only')::bool as read_only",
  );
  const [state] = rows;
  if (state !== undefined && FITS[session](state)) return;
  const is =
    state?.standby === true ? 'a standby' : `a primary${state?.read_only === true ? ' that is read-only' : ''}`;
  throw new AssetError('DATABASE_UNUSABLE', `the database ${location} is ${is}, not ${session}`, {
    hint: 'Name another server with --database, or change target_session_attrs (PGTARGETSESSIONATTRS).',
  });
}
