import { spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Command } from 'commander';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { COMMANDS } from '../../src/cli/commands/index.ts';
import { complete, createProgram } from '../../src/cli/program.ts';
import { requireTool } from '../support/tools.ts';
import { temporaryDirectory } from '../support/workspace.ts';

const TEXT = readFileSync('docs/scheduling.md', 'utf8');
const systemd = requireTool('systemd-analyze', ['--version'], 'apt-get install systemd');

function blocks(language: string): string[] {
  return [...TEXT.matchAll(new RegExp(`^\`\`\`${language}\\n([\\s\\S]*?)^\`\`\`$`, 'gm'))].map(([, text = '']) => text);
}

/** Every command line of ours, as its arguments. */
function commandLines(): string[][] {
  const cronJob: CronJob = parse(blocks('yaml')[0] ?? '');
  const inCron = cronJob.spec.jobTemplate.spec.template.spec.containers.map(({ args }) => args);
  const inText = TEXT.match(/asset-cli (?:purge-expired|verify|stats) [^|>&`\n]*/g) ?? [];
  return [...inCron, ...inText.map((line) => line.trim().replaceAll('\\%', '%').split(/\s+/).slice(1))];
}

interface CronJob {
  apiVersion: string;
  kind: string;
  spec: {
    schedule: string;
    concurrencyPolicy: string;
    jobTemplate: { spec: { template: { spec: { restartPolicy: string; containers: { args: string[] }[] } } } };
  };
}

/** Ranges of the five fields of crontab(5). */
const FIELDS: readonly (readonly [number, number])[] = [
  [0, 59],
  [0, 23],
  [1, 31],
  [1, 12],
  [0, 7],
];

function isCronField(text: string, [least, most]: readonly [number, number]): boolean {
  return text.split(',').every((part) => {
    const match = /^(?:\*|(\d+)(?:-(\d+))?)(?:\/(\d+))?$/.exec(part);
    const numbers = match?.slice(1, 3).flatMap((number) => (number === undefined ? [] : Number(number)));
    return numbers?.every((number) => number >= least && number <= most) ?? false;
  });
}

function expectSchedule(fields: readonly string[]): void {
  expect(fields).toHaveLength(5);
  for (const [index, field] of fields.entries()) {
    expect(isCronField(field, FIELDS[index] ?? [0, 0]), `${field} in ${fields.join(' ')}`).toBe(true);
  }
}

describe('docs/scheduling.md', () => {
  test('its command lines have options that exist', async () => {
    const program = createProgram({
      version: '0',
      bind: () => undefined,
      writeOut: () => undefined,
      columns: undefined,
    });
    const lines = commandLines();
    expect(lines.length).toBeGreaterThan(5);
    for (const [name, ...args] of lines) {
      const command = program.commands.find((each) => each.name() === name);
      expect(COMMANDS.map((entry) => entry.name)).toContain(name);
      await complete(command as Command, () => undefined);
      const { unknown } = (command as Command).parseOptions(args);
      expect(unknown, `${name} ${args.join(' ')}`).toEqual([]);
    }
  });

  test('its crontab is one', () => {
    const lines = blocks('crontab')
      .join('')
      .split('\n')
      .filter((line) => line !== '' && !line.startsWith('#'));
    expect(lines).toHaveLength(4);
    for (const line of lines) {
      const [user, ...command] = line.split(/\s+/).slice(5);
      expectSchedule(line.split(/\s+/).slice(0, 5));
      expect([user, command[0]]).toEqual(['assets', 'asset-cli']);
      // A percent sign ends the command in a crontab, unless a backslash is before it.
      expect(line).not.toMatch(/[^\\]%/);
      const shell = spawnSync('sh', ['-n', '-c', command.join(' ').replaceAll('\\%', '%')]);
      expect(shell.status, shell.stderr.toString()).toBe(0);
    }
  });

  test.skipIf(systemd.missing)('its units pass systemd-analyze verify', async () => {
    const folder = join(await temporaryDirectory(), 'units');
    mkdirSync(folder);
    const [service = '', timer = ''] = blocks('ini');
    writeFileSync(join(folder, 'asset-cli-purge.service'), service.replace('User=assets\n', ''));
    writeFileSync(join(folder, 'asset-cli-purge.timer'), timer);
    const units = ['asset-cli-purge.service', 'asset-cli-purge.timer'].map((name) => join(folder, name));
    const result = spawnSync('systemd-analyze', ['verify', '--recursive-errors=no', ...units], { encoding: 'utf8' });
    expect({
      status: result.status,
      stderr: result.stderr.replaceAll(/^.*(?<!asset-cli-purge)\.(?:service|timer):.*$/gm, '').trim(),
    }).toEqual({
      status: 0,
      stderr: '',
    });
    const [calendar = ''] = /(?<=OnCalendar=).*/.exec(timer) ?? [];
    expect(spawnSync('systemd-analyze', ['calendar', calendar]).status).toBe(0);
  });

  test('its CronJob has the fields of batch/v1', () => {
    const cronJob: CronJob = parse(blocks('yaml')[0] ?? '');
    expect(cronJob).toMatchObject({ apiVersion: 'batch/v1', kind: 'CronJob', metadata: { name: 'asset-cli-purge' } });
    expectSchedule(cronJob.spec.schedule.split(' '));
    expect(['Allow', 'Forbid', 'Replace']).toContain(cronJob.spec.concurrencyPolicy);
    const { spec } = cronJob.spec.jobTemplate.spec.template;
    expect(['Never', 'OnFailure']).toContain(spec.restartPolicy);
    expect(spec.containers).toHaveLength(1);
  });

  test('its examples of output are JSON', () => {
    for (const text of blocks('json')) expect(() => JSON.parse(text)).not.toThrow();
  });
});
