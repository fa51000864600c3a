import { hash, randomUUID } from 'node:crypto';
import { readdirSync, rmSync, statSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';

/** Nobody writes so slowly: a part that was not touched for so long has lost its writer. */
const IDLE_MILLISECONDS = 60 * 60 * 1000;

const PART = /^\.asset-cli-([0-9a-f]{8})-(\d+)-[0-9a-f-]{36}\.part$/;

/** Where a file is written until it is complete: hidden, beside its final name, and telling whose it is. */
export function partialPath(directory: string): string {
  return join(directory, `.asset-cli-${HOST_MARK}-${process.pid}-${randomUUID()}.part`);
}

/**
 * Removes from a directory the parts that killed runs left: their process of this host has ended, or
 * they have lain still for an hour. What cannot be looked at or removed stays.
 * @returns whether nothing else is in there
 */
export function removeAbandonedParts(directory: string): boolean {
  const names = namesIn(directory);
  let hasOthers = names === undefined;
  for (const name of names ?? []) {
    const [, host, pid] = PART.exec(name) ?? [];
    if (host === undefined) {
      hasOthers = true;
      continue;
    }
    const path = join(directory, name);
    const orphaned = host === HOST_MARK && !isRunning(Number(pid));
    if (orphaned || isIdle(path)) removeQuietly(path);
  }
  return !hasOthers;
}

/** Process numbers mean something on their own host only. */
const HOST_MARK = hash('sha256', hostname()).slice(0, 8);

function namesIn(directory: string): string[] | undefined {
  return ignoringRefusals(() => readdirSync(directory));
}

function isIdle(path: string): boolean {
  const modified = ignoringRefusals(() => statSync(path, { throwIfNoEntry: false })?.mtimeMs);
  return modified !== undefined && modified < Date.now() - IDLE_MILLISECONDS;
}

function removeQuietly(path: string): void {
  ignoringRefusals(() => rmSync(path, { force: true }));
}

function isRunning(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    return !(error instanceof Error && 'code' in error && error.code === 'ESRCH');
  }
}

/** Cleaning up is a courtesy: a directory that refuses it will say so when it is written to. */
function ignoringRefusals<T>(attempt: () => T): T | undefined {
  try {
    return attempt();
  } catch (error) {
    if (error instanceof Error && 'syscall' in error) return undefined;
    throw error;
  }
}
