import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from 'vitest';
import type { Judgement } from './judge.ts';
import { finished, type ProgramResult, runProgram, startProgram } from './program.ts';

/** Where the rounds take place: a home with a configuration that has short leases. */
export interface FaultStage {
  home: string;
  /** Credentials and the like. */
  env: Record<string, string>;
  judge(): Promise<Judgement>;
}

const PROCESSES = 4;
const LONGEST_LIFE_MILLISECONDS = 1500;

/** How many rounds: an option of whoever runs the tests. CI runs 20. */
export const ROUNDS = Number(process.env['ASSET_CLI_TEST_FAULT_ROUNDS'] ?? (process.env['CI'] === 'true' ? 20 : 200));
export const SEED = Number(process.env['ASSET_CLI_TEST_FAULT_SEED'] ?? Date.now() % 1_000_000);

/** Statuses that a command may end with while others change the same assets: some of them were faster. */
const LOST_RACES = [0, 4, 9, 11];

/**
 * Again and again: four processes upload, delete, purge and repair at random, one of them is killed at a random
 * moment, and what is left is judged. Nothing is put right in between but by the commands themselves.
 */
export async function playRounds(stage: FaultStage, rounds: number, seed: number): Promise<void> {
  const random = generator(seed);
  let killed = 0;
  for (let round = 1; round <= rounds; round += 1) {
    const told = `round ${round} of seed ${seed}`;
    const commands = Array.from({ length: PROCESSES }, (_, index) => commandOf(stage, random, `${round}-${index}`));
    const children = commands.map((command) => startProgram(stage.home, command, { env: stage.env }));
    for (const child of children) child.stdin?.end();
    const results = children.map(finished);
    const victim = Math.floor(random() * PROCESSES);
    await Promise.race([sleep(random() * LONGEST_LIFE_MILLISECONDS), results[victim]]);
    children[victim]?.kill('SIGKILL');
    for (const [index, result] of (await Promise.all(results)).entries()) {
      if (result.signal === 'SIGKILL') killed += 1;
      else expectFair(result, commands[index] ?? [], told);
    }
    const judgement = await stage.judge();
    expect(judgement.faults, told).toEqual([]);
    expectStatus(
      await runProgram(stage.home, ['verify', '--deep', '--json'], { env: stage.env }),
      [0],
      `verify after ${told}`,
    );
  }
  expect(killed).toBeGreaterThan(0);
}

/** When leases have run out, one purge leaves nothing but assets and rows that wait for late arrivals. */
export async function settleDown(stage: FaultStage, leaseMilliseconds: number): Promise<Judgement> {
  await sleep(leaseMilliseconds + 500);
  expectStatus(await runProgram(stage.home, ['purge-expired', '--yes'], { env: stage.env }), [0], 'the last purge');
  return stage.judge();
}

function expectFair(result: ProgramResult, command: readonly string[], told: string): void {
  const statuses = command[0] === 'delete' ? LOST_RACES : [0];
  expectStatus(result, statuses, `${command.join(' ')} in ${told}`);
}

function expectStatus(result: ProgramResult, statuses: readonly number[], told: string): void {
  expect(statuses, `${told} ended with ${result.code}: ${result.stderr}${result.stdout}`).toContain(result.code);
}

type Random = () => number;

function commandOf(stage: FaultStage, random: Random, name: string): string[] {
  const roll = random();
  if (roll < 0.5) return uploadOf(stage, random, name);
  if (roll < 0.65) return ['delete', '--name', `${pick(random)}*`, '--yes'];
  if (roll < 0.72) return ['delete', '--name', `${pick(random)}*`, '--yes', '--trash'];
  if (roll < 0.88) return ['purge-expired', '--yes', '--batch-size', '7'];
  return ['verify', '--repair', '--yes'];
}

/** Some contents are met again in later rounds, some are met twice in one, some expire at once, some are public. */
function uploadOf({ home }: FaultStage, random: Random, name: string): string[] {
  const folder = join(home, 'in', name);
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  const count = 5 + Math.floor(random() * 20);
  for (let index = 0; index < count; index += 1) {
    const content = random() < 0.4 ? `shared ${Math.floor(random() * 10)}` : `${name} ${index} ${random()}`;
    writeFileSync(join(folder, `${pick(random)}-${index}.txt`), `${content}\n`.repeat(1 + Math.floor(random() * 400)));
  }
  const life = random() < 0.5 ? ['--expires-in', '1s'] : [];
  return ['upload', folder, ...life, ...(random() < 0.2 ? ['--public'] : [])];
}

function pick(random: Random): string {
  return 'abcdef'.charAt(Math.floor(random() * 6));
}

/** Numbers in [0, 1), the same for the same seed (mulberry32). */
function generator(seed: number): Random {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
