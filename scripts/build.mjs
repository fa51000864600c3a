// Bundles src/ into dist/: CommonJS, one chunk per command, loaded when that command runs (docs/decisions/0001-toolchain.md).
// Entries are replaced after the chunks that they name, so that the program can be started at any moment of a build.
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join, relative, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'rolldown';

const root = fileURLToPath(new URL('..', import.meta.url));
const dist = join(process.argv[2] ?? root, 'dist');

/**
 * Modules that a short command needs together come in one file: opening a file costs more than reading it.
 * One group a layer of the dependency rule, so that no two files need each other.
 */
const GROUPS = [
  { name: 'core', test: /\/src\/core\/|\/commander\// },
  { name: 'catalog', test: /\/src\/catalog\/(?!postgres\/)|\/kysely\/|\/better-sqlite3\// },
  { name: 'storage', test: /\/src\/storage\/[^/]+$/, minShareCount: 2 },
  { name: 'operations', test: /\/src\/operations\//, minShareCount: 2 },
  { name: 'cli', test: /\/src\/cli\//, minShareCount: 2 },
];

/** The doors of the library: no chunk's own exports, and one error class for those that import and those that require. */
const LIBRARY_DOORS = [
  [
    'library/index.cjs',
    "'use strict';\nconst { openAssets, AssetError } = require('./library.cjs');\nmodule.exports = { openAssets, AssetError };\n",
  ],
  ['library/index.mjs', "import library from './index.cjs';\nexport const { openAssets, AssetError } = library;\n"],
];

const program = await bundle({ main: 'src/cli/main.ts' }, true);
// Apart from the program: what is shared with the library would move to chunks that every command loads.
// With its lines: Node prints the one that threw beside an error that a program does not catch.
const library = await bundle({ library: 'src/index.ts' }, false);
const files = new Map([
  ...filesOf(program, ''),
  ...filesOf(library, 'library/'),
  ...LIBRARY_DOORS,
  ['third-party-licenses.txt', thirdPartyLicenses([...program, ...library])],
]);
for (const [name, contents] of files) writeInOneStep(join(dist, name), contents);
for (const entry of readdirSync(dist, { recursive: true, withFileTypes: true })) {
  const path = join(entry.parentPath, entry.name);
  const ofAnotherBuild = /\.\d+$/.test(entry.name);
  const chunk = relative(dist, path).replace(/\.compiled$/, '');
  if (entry.isFile() && !ofAnotherBuild && !files.has(chunk)) rmSync(path, { force: true });
}
compileChunks();

/** As ASCII, V8 keeps and parses a file at one byte a character. */
function toAscii(code) {
  return code.replace(/[^\0-\x7f]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`);
}

/** Without it the program works, only starts more slowly: so where the native module is missing, say so and go on. */
function compileChunks() {
  const home = mkdtempSync(join(tmpdir(), 'asset-cli-build-'));
  const env = { PATH: process.env.PATH, HOME: home, USER: 'build' };
  const args = [join(root, 'scripts/compile-chunks.cjs'), dist];
  const result = spawnSync(process.execPath, args, {
    cwd: home,
    env,
    stdio: ['ignore', 'ignore', 'pipe'],
    encoding: 'utf8',
  });
  rmSync(home, { recursive: true, force: true });
  if (result.status !== 0) console.warn(`Not all chunks are compiled ahead: ${result.stderr.trim()}`);
}

async function bundle(input, removeWhitespace) {
  const { output } = await build({
    cwd: root,
    input,
    platform: 'node',
    external: [/\.node$/, 'pg-native', 'cloudflare:sockets', 'sharp', 'better-sqlite3-13'],
    transform: { target: 'node20' },
    preserveEntrySignatures: 'allow-extension',
    plugins: [directNativeModule(), lazyChildProcess(), ownPunycode()],
    output: {
      dir: dist,
      format: 'cjs',
      dynamicImportInCjs: false, // a Script that was compiled ahead knows no import()
      entryFileNames: '[name].cjs',
      chunkFileNames: 'chunks/[name]-[hash].cjs',
      codeSplitting: { includeDependenciesRecursively: false, groups: GROUPS },
      comments: false,
      minify: { compress: true, mangle: false, codegen: { removeWhitespace } },
    },
    write: false,
    logLevel: 'warn',
  });
  return output;
}

/** Chunks before the entries that name them. */
function filesOf(output, folder) {
  return output
    .toSorted((a, b) => depth(b.fileName) - depth(a.fileName))
    .map(({ fileName, code }) => [`${folder}${fileName}`, toAscii(code)]);
}

function depth(path) {
  return path.split(sep).length;
}

function writeInOneStep(path, contents) {
  mkdirSync(dirname(path), { recursive: true });
  const temporary = `${path}.${process.pid}`;
  writeFileSync(temporary, contents);
  renameSync(temporary, path);
}

/** better-sqlite3's JavaScript is bundled; its native module is where `npm install` puts it, so nobody needs to search. */
function directNativeModule() {
  const id = '\0native-module';
  return {
    name: 'direct-native-module',
    resolveId: (source) => (source === 'bindings' ? id : null),
    load: (source) =>
      source === id ? `module.exports = () => require('better-sqlite3/build/Release/better_sqlite3.node');` : null,
  };
}

/** commander loads child_process for commands that are programs of their own, of which there are none: 3 ms of each start. */
function lazyChildProcess() {
  const id = '\0no-child-process';
  return {
    name: 'lazy-child-process',
    resolveId: (source, importer) => (source === 'node:child_process' && importer?.includes('/commander/') ? id : null),
    load: (source) => (source === id ? 'module.exports = {};' : null),
  };
}

/** A library of Google's takes Node's own, whose use newer versions of Node complain about on stderr. */
function ownPunycode() {
  const own = createRequire(import.meta.url).resolve('punycode/punycode.js');
  return { name: 'own-punycode', resolveId: (source) => (source === 'punycode' ? own : null) };
}

/** The licences of the packages that the bundle contains, which ask to be shipped with every copy. */
function thirdPartyLicenses(chunks) {
  const modules = chunks.flatMap((chunk) => Object.keys(chunk.modules));
  const folders = new Set(modules.flatMap((id) => /^\0?(.*node_modules\/(?:@[^/]+\/)?[^/]+)/.exec(id)?.[1] ?? []));
  return [...folders].sort().map(describePackage).join('\n');
}

function describePackage(folder) {
  const { name, version, license } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
  const file = readdirSync(folder).find((entry) => /^licen[cs]e/i.test(entry));
  const text = file === undefined ? '' : readFileSync(join(folder, file), 'utf8').trim();
  return `${name} ${version} (${license})\n\n${text}\n\n${'-'.repeat(80)}\n`;
}
