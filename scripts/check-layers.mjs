// The dependency rule of docs/architecture.md, which Biome cannot express because it depends on who imports whom:
//   core <- {config, storage, catalog, content, scan} <- operations <- {http, cli, library} <- bin
// Run by `npm run lint`; prints each broken rule with its reason.
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

/** Alone names implementations. */
const COMPOSITION = 'composition.ts';
const ROOMS = ['config', 'storage', 'catalog', 'content', 'scan'];
const CONTRACTS = [
  'catalog/catalog.ts',
  'storage/backend.ts',
  'storage/storage-error.ts',
  'storage/marker.ts',
  'storage/byte-order.ts',
  'scan/scanner.ts',
];

/** Packages that are heavy or native, and the one folder that may name each. */
const HOMES = [
  { packages: /^(better-sqlite3|pg|pg-.*|kysely)$/, home: 'catalog/', what: 'a database driver' },
  { packages: /^(@aws-sdk|@smithy)\//, home: 'storage/s3/', what: 'the AWS SDK' },
  { packages: /^(@google-cloud\/.*|google-auth-library)$/, home: 'storage/gcs/', what: 'the Google Cloud SDK' },
  { packages: /^@azure\//, home: 'storage/azure/', what: 'the Azure SDK' },
  { packages: /^sharp$/, home: 'content/images/', what: 'the image library' },
  { packages: /^file-type$/, home: 'content/sniffing/', what: 'a reader of file contents' },
  { packages: /^(commander|@inquirer\/.*|ora|fast-string-truncated-width)$/, home: 'cli/', what: 'a terminal library' },
  { packages: /^(fastify|@fastify\/.*)$/, home: 'http/', what: 'the HTTP server' },
  { packages: /^(zod|yaml)$/, home: 'config/', what: 'a configuration library' },
];

const IMPORT = /^\s*(?:import|export)\s[^;'"]*?from\s+'([^']+)'|^\s*import\s+'([^']+)'|\bimport\(\s*'([^']+)'/gms;
const ENDS_THE_PROCESS = /\bprocess\.(?:exit|exitCode|stdout|stderr|stdin|abort)\b/g;

const root = process.argv[2] ?? 'src';
const broken = readdirSync(root, { recursive: true })
  .filter((file) => file.endsWith('.ts'))
  .sort()
  .flatMap(checkFile);
for (const line of broken) console.error(line);
if (broken.length > 0) {
  console.error(`\n${broken.length} broken dependency rules (docs/architecture.md says why they exist)`);
  process.exitCode = 1;
}

function checkFile(file) {
  const path = join(root, file);
  const source = readFileSync(path, 'utf8');
  const imports = [...source.matchAll(IMPORT)].flatMap((match) => {
    const reason = whyNot(file, match[1] ?? match[2] ?? match[3]);
    return reason === undefined ? [] : [`${where(path, source, match.index)} ${reason}`];
  });
  const ends = [...source.matchAll(ENDS_THE_PROCESS)].flatMap((match) =>
    file.startsWith('cli/')
      ? []
      : [
          `${where(path, source, match.index)} ${match[0]}: only the command line speaks to the terminal or ends the process; return a value or throw an AssetError`,
        ],
  );
  return [...imports, ...ends];
}

function where(path, source, index) {
  const offset = index + (source.slice(index).match(/^\s*/)?.[0].length ?? 0);
  return `${path}:${source.slice(0, offset).split('\n').length}`;
}

/** The reason why `file` may not import `specifier`; undefined where it may. */
function whyNot(file, specifier) {
  if (!specifier.startsWith('.')) return whyNotPackage(file, specifier);
  const target = join(dirname(file), specifier);
  const [from, to] = [roomOf(file), roomOf(target)];
  if (from === to || to === '..' || target === 'package.json') return whyNotProvider(file, target);
  if (file === COMPOSITION) return undefined;
  if (target === COMPOSITION) return whyNotComposition(file);
  if (from === 'index') return whyNotForIndex(target, to);
  if (from === 'core') return `core is pure: it imports nothing of the project, not ${target}`;
  if (ROOMS.includes(from))
    return to === 'core'
      ? undefined
      : `${from} imports core alone, so that ${from} and ${to} can be understood and tested apart; not ${target}`;
  if (from === 'operations')
    return isContract(target)
      ? undefined
      : `operations see contracts only, so that each works with every backend and database; not ${target}`;
  if (from === 'http' || from === 'library')
    return isContract(target) || to === 'operations'
      ? undefined
      : `${from} calls operations and names no implementation; not ${target}`;
  if (from === 'cli') return whyNotForCommands(file, target, to);
  return `${file} lies in no known folder of src/`;
}

/** A world is composed for the command line by cli/context.ts, for programs by index.ts, and by nobody else. */
function whyNotComposition(file) {
  return file === 'cli/context.ts' || file === 'index.ts'
    ? undefined
    : `${COMPOSITION} is for cli/context.ts and index.ts alone; what needs a world is handed one`;
}

function whyNotForIndex(target, to) {
  return to === 'library' || to === 'core' || target === 'config/process-environment.ts'
    ? undefined
    : `index.ts composes by ${COMPOSITION} and exports library/; not ${target}`;
}

/** cli/context/ makes configurations that are yet to be written. */
function whyNotForCommands(file, target, to) {
  if (file.startsWith('cli/context/') || to === 'operations' || to === 'http') return undefined;
  return isContract(target)
    ? undefined
    : `${COMPOSITION} alone names implementations; a command calls operations, not ${target}`;
}

/** A provider's folder stands alone; only storage/open.ts chooses among providers. */
function whyNotProvider(file, target) {
  const provider = providerOf(target);
  if (provider === undefined || file === 'storage/open.ts' || providerOf(file) === provider) return undefined;
  return `only storage/open.ts chooses a provider, when it is used; not ${target}`;
}

function whyNotPackage(file, specifier) {
  if (specifier === 'node:process' || specifier === 'process') {
    return file.startsWith('cli/')
      ? undefined
      : 'node:process hides which file reads the environment or ends the process; only the command line may';
  }
  const rule = HOMES.find(({ packages }) => packages.test(specifier));
  if (rule === undefined || file.startsWith(rule.home)) return undefined;
  return `${specifier} is ${rule.what}: it is imported in src/${rule.home} alone, so that it is loaded only when used and can be replaced in one place`;
}

function isContract(target) {
  return target.startsWith('core/') || target.startsWith('content/') || CONTRACTS.includes(target);
}

function roomOf(path) {
  const [first] = path.split('/');
  return first === 'index.ts' ? 'index' : first;
}

function providerOf(path) {
  return /^storage\/(local|s3|gcs|azure)\//.exec(path)?.[1];
}
