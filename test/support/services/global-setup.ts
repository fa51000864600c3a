import type { TestProject } from 'vitest/node';
import { createServicePool, shareServicePool } from './coordinator.ts';

declare module 'vitest' {
  export interface ProvidedContext {
    servicesSocket: string;
  }
}

/** Starts no server itself: each starts when the first test file asks for it, and all end with the run. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const announcements: string[] = [];
  const pool = createServicePool((line) => {
    announcements.push(line);
    process.stderr.write(`\n${line}\n`);
  });
  const { socket, close } = await shareServicePool(pool);
  project.provide('servicesSocket', socket);
  return async () => {
    await close();
    for (const line of announcements) process.stderr.write(`${line}\n`);
  };
}
