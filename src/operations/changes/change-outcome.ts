import type { Asset } from '../../core/asset.ts';
import type { FailureRecord } from '../../core/errors.ts';

/** What became of one asset that was to be changed. */
export type ChangeOutcome =
  | { kind: 'changed'; id: string; asset: Asset }
  | { kind: 'failed'; id: string; failure: FailureRecord };
