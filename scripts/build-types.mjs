// Writes types/: the declarations that src/index.ts needs, once for programs that import and once for those that require.
import { execFileSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const IMPORT = /from '(\.[^']+)\.ts'/g;

const emitted = mkdtempSync(join(tmpdir(), 'asset-cli-types-'));
const fresh = join(root, `types.${process.pid}`);
try {
  const options = [
    '--noEmit',
    'false',
    '--declaration',
    '--emitDeclarationOnly',
    '--rootDir',
    root,
    '--outDir',
    emitted,
  ];
  execFileSync(process.execPath, [join(root, 'node_modules/typescript/bin/tsc'), ...options], {
    cwd: root,
    stdio: 'inherit',
  });
  for (const [folder, type] of [
    ['esm', 'module'],
    ['cjs', 'commonjs'],
  ]) {
    for (const file of reachableFrom('index')) copy(`${file}.d.ts`, join(fresh, folder));
    writeFileSync(join(fresh, folder, 'package.json'), `{ "type": "${type}" }\n`);
  }
  const target = join(root, 'types');
  rmSync(target, { recursive: true, force: true });
  renameSync(fresh, target);
} finally {
  rmSync(emitted, { recursive: true });
  rmSync(fresh, { recursive: true, force: true });
}

/** Modules of src/ that a declaration needs, itself included. */
function reachableFrom(module, seen = new Set()) {
  if (seen.has(module)) return seen;
  seen.add(module);
  const text = readFileSync(join(emitted, 'src', `${module}.d.ts`), 'utf8');
  for (const [, specifier] of text.matchAll(IMPORT)) reachableFrom(join(dirname(module), specifier), seen);
  return seen;
}

function copy(file, folder) {
  const target = join(folder, file);
  if (!existsSync(dirname(target))) mkdirSync(dirname(target), { recursive: true });
  cpSync(join(emitted, 'src', file), target);
}
