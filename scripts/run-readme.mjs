// Runs the commands of README.md as written, in a copy of the checkout with a home of its own.
//   ```sh blocks       run as one bash script each, in order; a failing command fails the block
//   ```console blocks  the lines that begin with `$ ` run; the others are output, whose ids stand in later blocks for
//                      those that really came out, in the same order
// All blocks run in one folder, so that a file or an asset of one is there in the next; shell variables are not.
// `asset-cli` is on the PATH, as after a global installation. A comment on the line before a block changes that:
//   <!-- not run: reason -->   leaves it out
//   <!-- exits 6 -->           expects this exit status
import { execFileSync, spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { prebuiltNativeModule } from '../test/support/prebuilt-native-module.ts';

const root = fileURLToPath(new URL('..', import.meta.url));
const BLOCK = /(?:^<!--(?<comment>.*?)-->\n+)?^```(?<language>sh|console)\n(?<text>.*?)^```$/gms;

/** What a block leaves running ends with it. */
const END_JOBS = `trap 'kill $(jobs -p) 2>/dev/null || true' EXIT`;

const blocks = [...readFileSync(join(root, 'README.md'), 'utf8').matchAll(BLOCK)].map(describe);
const folder = mkdtempSync(join(tmpdir(), 'asset-cli-readme-'));
const failures = [];
const realIds = new Map();
try {
  const checkout = copyCheckout(join(folder, 'checkout'));
  mkdirSync(join(folder, 'bin'));
  symlinkSync(join(checkout, 'bin/asset-cli.js'), join(folder, 'bin/asset-cli'));
  for (const block of blocks) runBlock(block, checkout);
} finally {
  rmSync(folder, { recursive: true, force: true });
}
console.log(`README: ${blocks.length} blocks, ${failures.length} failed`);
if (failures.length > 0) process.exitCode = 1;

function describe({ index, input, groups }) {
  const comment = groups.comment?.trim() ?? '';
  return {
    line: input.slice(0, index).split('\n').length,
    commands: groups.language === 'sh' ? groups.text : commandsOf(groups.text),
    sampleIds: groups.language === 'sh' ? [] : idsIn(groups.text),
    leftOut: /^not run: (.+)$/.exec(comment)?.[1],
    expected: Number(/^exits (\d+)$/.exec(comment)?.[1] ?? 0),
  };
}

function commandsOf(session) {
  return session
    .split('\n')
    .filter((line) => line.startsWith('$ '))
    .map((line) => line.slice(2))
    .join('\n');
}

function idsIn(text) {
  return text.match(/\b[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\b/g) ?? [];
}

function runBlock({ line, commands, sampleIds, leftOut, expected }, checkout) {
  if (leftOut !== undefined) {
    console.log(`README.md:${line}: not run: ${leftOut}`);
    return;
  }
  const script = withRealIds(commands);
  console.log(`README.md:${line}\n${script.trim().replace(/^/gm, '  $ ')}`);
  const { status, stdout } = spawnSync('bash', ['-euo', 'pipefail', '-c', `${END_JOBS}\n${script}`], {
    cwd: checkout,
    env: emptyHome(join(folder, 'home')),
    stdio: ['ignore', 'pipe', 'inherit'],
    encoding: 'utf8',
  });
  process.stdout.write(stdout);
  const ids = idsIn(stdout);
  for (const [index, id] of sampleIds.entries()) realIds.set(id, ids[index] ?? id);
  if (status === expected) return;
  console.log(`README.md:${line}: FAILED: exit status ${status} instead of ${expected}`);
  failures.push(line);
}

/** Also where only the first characters of a sample's id are written. */
function withRealIds(commands) {
  return commands.replace(/\b[0-9a-f]{8}[0-9a-f-]{0,28}\b/g, (written) => {
    const [, real = written] = [...realIds].find(([sample]) => sample.startsWith(written)) ?? [];
    return real.slice(0, written.length);
  });
}

/** What git knows of and what is new, without what it ignores. */
function copyCheckout(target) {
  const listed = execFileSync('git', ['ls-files', '-z', '--cached', '--others', '--exclude-standard'], {
    cwd: root,
    encoding: 'utf8',
  });
  const files = listed.split('\0').filter((file) => file !== '' && existsSync(join(root, file)));
  for (const file of files) {
    mkdirSync(dirname(join(target, file)), { recursive: true });
    cpSync(join(root, file), join(target, file), { verbatimSymlinks: true });
  }
  return target;
}

/** Nothing of the person who runs this, but for npm's cache and settings. */
function emptyHome(home) {
  mkdirSync(home, { recursive: true });
  const npm = Object.entries(process.env).filter(([name]) =>
    /^npm_config_(registry|cache|nodedir|userconfig)$/i.test(name),
  );
  const npmrc = join(process.env.HOME ?? '', '.npmrc');
  return {
    npm_config_cache: join(process.env.HOME ?? home, '.npm'),
    ...(existsSync(npmrc) ? { npm_config_userconfig: npmrc } : {}),
    ...Object.fromEntries(npm),
    ...prebuiltNativeModule(folder),
    PATH: `${join(folder, 'bin')}:${process.env.PATH}`,
    HOME: home,
    USER: 'reader',
    LANG: 'C.UTF-8',
    CI: 'true',
    XDG_CONFIG_HOME: join(home, 'config'),
    XDG_DATA_HOME: join(home, 'data'),
    XDG_CACHE_HOME: join(home, 'cache'),
  };
}
