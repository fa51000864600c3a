import type { ClientBase } from 'pg';
import { AssetError } from '../../core/errors.ts';
import type { SessionKind } from './settings.ts';

interface ServerState {
  standby: boolean;
  read_only: boolean;
}

const FITS: Readonly<Record<SessionKind, (state: ServerState) => boolean>> = {
  any: () => true,
  // Who prefers one asks for a standby first, then for any.
  'prefer-standby': () => true,
  'read-write': (state) => !state.read_only && !state.standby,
  'read-only': (state) => state.read_only || state.standby,
  primary: (state) => !state.standby,
  standby: (state) => state.standby,
};

/**
 * Compares the server of a new connection with target_session_attrs.
 * @throws AssetError DATABASE_UNUSABLE
 */
export async function checkSession(client: ClientBase, kind: SessionKind, location: string): Promise<void> {
  if (kind === 'any' || kind === 'prefer-standby') return;
  const { rows } = await client.query<ServerState>(
    "select pg_is_in_recovery() as standby, current_setting('default_transaction_read_only')::bool as read_only",
  );
  const [state] = rows;
  if (state !== undefined && FITS[kind](state)) return;
  const is =
    state?.standby === true ? 'a standby' : `a primary${state?.read_only === true ? ' that is read-only' : ''}`;
  throw new AssetError('DATABASE_UNUSABLE', `the database ${location} is ${is}, not ${kind}`, {
    hint: 'Name another server with --database, or change target_session_attrs (PGTARGETSESSIONATTRS).',
    details: { wanted: kind },
  });
}

export function isOfAnotherKind(error: unknown): boolean {
  return error instanceof AssetError && error.details?.['wanted'] !== undefined;
}
