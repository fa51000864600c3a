import { execFileSync } from 'node:child_process';
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { expect, it } from 'vitest';

const urlOf = (path: string) => pathToFileURL(resolve(import.meta.dirname, '../..', path)).href;

/** Waits for nothing but a thread, and holds its own loop until the last answer has come unheard. */
const PROGRAM = `(async () => {
  const { startThread } = await import(process.argv[1]);
  const answering = "require('worker_threads').parentPort.on('message', function (n) { this.postMessage(n + 1); });";
  const thread = startThread(answering);
  console.log(await thread.ask(1));
  const unheard = thread.ask(2).catch((error) => error.message);
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 300);
  await thread.end();
  console.log(await unheard);
})()`;

it('a program goes on to its own end behind the end of a thread that had more to answer', () => {
  const args = ['--import', urlOf('scripts/run-typescript.mjs'), '-e', PROGRAM, urlOf('src/core/thread.ts')];
  const printed = execFileSync(process.execPath, args, { encoding: 'utf8' });
  expect(printed).toBe('2\nthe thread has ended\n');
});
