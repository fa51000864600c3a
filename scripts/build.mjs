// Bundles src/ into dist/: one ES module per command, loaded when that command runs (docs/decisions/0001-toolchain.md).
// Entries are replaced after the chunks that they name, so that the program can be started at any moment of a build.
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { basename, dirname, join, relative, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const root = fileURLToPath(new URL('..', import.meta.url));
const { dependencies } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
const outdir = join(process.argv[2] ?? root, 'dist');
const entries = { main: 'src/cli/main.ts', index: 'src/index.ts' };

const { outputFiles, metafile } = await build({
  absWorkingDir: root,
  entryPoints: Object.fromEntries(Object.entries(entries).filter(([, file]) => existsSync(join(root, file)))),
  outdir,
  bundle: true,
  splitting: true,
  format: 'esm',
  platform: 'node',
  target: 'node20',
  chunkNames: 'chunks/[name]-[hash]',
  external: Object.keys(dependencies),
  minifySyntax: true,
  minifyWhitespace: true,
  legalComments: 'none',
  // CommonJS packages inside the bundle call require for Node's own modules.
  banner: {
    js: "import{createRequire as __createRequire}from'node:module';const require=__createRequire(import.meta.url);",
  },
  metafile: true,
  write: false,
  logLevel: 'warning',
});

const chunksFirst = outputFiles.toSorted((a, b) => depth(b.path) - depth(a.path));
const files = new Map(chunksFirst.map(({ path, contents }) => [relative(outdir, path), contents]));
files.set('third-party-licenses.txt', thirdPartyLicenses(metafile));
for (const [name, contents] of files) writeInOneStep(join(outdir, name), contents);
for (const entry of readdirSync(outdir, { recursive: true, withFileTypes: true })) {
  const path = join(entry.parentPath, entry.name);
  const ofAnotherBuild = /\.\d+$/.test(entry.name);
  if (entry.isFile() && !ofAnotherBuild && !files.has(relative(outdir, path))) rmSync(path, { force: true });
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

/** The licences of the packages that the bundle contains, which ask to be shipped with every copy. */
function thirdPartyLicenses({ inputs }) {
  const folders = new Set(
    Object.keys(inputs).flatMap((input) => /^.*node_modules\/(?:@[^/]+\/)?[^/]+/.exec(input) ?? []),
  );
  return [...folders].sort().map(describePackage).join('\n');
}

function describePackage(folder) {
  const { name, version, license } = JSON.parse(readFileSync(join(root, folder, 'package.json'), 'utf8'));
  const file = readdirSync(join(root, folder)).find((entry) => /^licen[cs]e/i.test(basename(entry)));
  const text = file === undefined ? '' : readFileSync(join(root, folder, file), 'utf8').trim();
  return `${name} ${version} (${license})\n\n${text}\n\n${'-'.repeat(80)}\n`;
}
