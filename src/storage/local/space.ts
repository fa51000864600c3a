import { statfs } from 'node:fs/promises';

/** Bytes of the file system, free for this user: what is reserved for root does not count. */
export async function freeSpace(directory: string): Promise<{ free: number; total: number }> {
  const { bavail, blocks, bsize } = await statfs(directory);
  return { free: bavail * bsize, total: blocks * bsize };
}
