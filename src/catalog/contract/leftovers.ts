import type { ClaimedObject, ContentRef, ObjectState } from './objects.ts';

export interface LeftoverFilter {
  backends: readonly string[];
  /** Without it: of every organisation. */
  organization?: string;
  /** Only these objects. */
  objectIds?: readonly string[];
  /** Only former copies and interrupted deletes of these contents. */
  contents?: readonly ContentRef[];
}

/** Bytes on their way out, held by our claim. */
export interface Leftover extends ClaimedObject {
  /** What it was before the claim. */
  was: Exclude<ObjectState, 'STORED'>;
  organizationId: string;
  storedSize: number;
  /** The multipart session of an upload that was given up. */
  uploadSession: string | null;
}

/** PENDING and DELETING rows whose lease has run out, and RETAINED rows past their time. */
export interface Leftovers {
  count(filter: LeftoverFilter): Promise<{ backend: string; count: number }[]>;
  /**
   * Makes up to `limit` of them DELETING under new claims, the longest due first, without waiting for locks. The row
   * of a given-up upload stays for 24 hours past its lease, because a frozen host's put may still arrive: `finish`
   * then keeps the row, and a later claim repeats the delete.
   */
  claim(filter: LeftoverFilter, limit: number, leaseSeconds: number): Promise<Leftover[]>;
  /** Of these storage paths, those of uploads that are alive: PENDING with a lease that runs. */
  alivePaths(backend: string, paths: readonly string[]): Promise<Set<string>>;
}
