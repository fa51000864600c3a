import type { ClaimedObject } from '../../catalog/catalog.ts';
import { toFailure } from '../../core/errors.ts';
import { createGroups } from '../groups.ts';
import { type HeldClaim, removeBytes } from '../leases.ts';
import type { MigrateRun } from './migrate-run.ts';

const LARGEST_ABANDON = 200;
const LARGEST_RELEASE = 500;

/** What moves leave behind goes beside them, in groups; what cannot go now is told and left to purge-expired. */
export interface Releases {
  release(object: ClaimedObject | undefined): void;
  /** Undoes a copy that nobody will use. */
  giveUp(claim: HeldClaim): Promise<void>;
  settle(): Promise<void>;
}

export function createReleases({ context, from, to }: MigrateRun): Releases {
  const underWay = new Set<Promise<void>>();
  const abandons = createGroups<HeldClaim, ClaimedObject | undefined>(LARGEST_ABANDON, async (claims) => {
    const catalog = await context.catalog();
    const abandoned = await catalog.uploads.abandon(claims, context.leaseSeconds);
    return claims.map(({ objectId }) => abandoned.find((object) => object.objectId === objectId));
  });
  const removals = createGroups<ClaimedObject, undefined>(LARGEST_RELEASE, async (objects) => {
    for (const store of [from, to]) {
      const there = objects.filter(({ backend }) => backend === store.name);
      for (const { object, error } of await removeBytes(context, store, there)) {
        context.warn(`${object.storagePath} is removed later, by purge-expired: ${error.message}`);
      }
    }
    return objects.map(() => undefined);
  });

  function release(object: ClaimedObject | undefined): void {
    if (object === undefined) return;
    const removal = removals.add(object).then(
      () => undefined,
      (error: unknown) => context.warn(`${object.storagePath} is removed later: ${toFailure(error).message}`),
    );
    underWay.add(removal);
    removal.then(() => underWay.delete(removal));
  }

  async function giveUp({ objectId, claim }: HeldClaim): Promise<void> {
    try {
      release(await abandons.add({ objectId, claim }));
    } catch (error) {
      context.warn(`a copy is undone later, by purge-expired: ${toFailure(error).message}`);
    }
  }

  async function settle(): Promise<void> {
    await Promise.all(underWay);
  }

  return { release, giveUp, settle };
}
