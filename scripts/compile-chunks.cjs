// Runs the usual commands once in this process and writes what V8 compiled for them beside the files of dist/, for
// bin/load-chunk.js. The build starts it in an empty home. Usage: node compile-chunks.cjs <dist>
const { renameSync, writeFileSync } = require('node:fs');
const { join, resolve } = require('node:path');
const { chunks, loadChunk } = require('../bin/load-chunk.js');

const dist = resolve(process.argv[2]);
const COMMANDS = [
  ['upload', 'note.txt', '--json'],
  ['upload', 'note.txt', '--skip-existing', '--tag', 'a=b'],
  ['list'],
  ['list', '--type', 'DOCUMENT_UPLOAD', '--json'],
  ['list', '--ids'],
  ['download', '--all', '-o', 'out'],
  ['delete', '--all', '--yes'],
  ['list', '--config', 'config.yaml'],
];

run().catch((error) => {
  console.error(error);
  process.exitCode = 1;
});

async function run() {
  writeFileSync('note.txt', 'a note\n');
  writeFileSync('config.yaml', 'scan:\n  mode: off\nbackends: { spare: { provider: LOCAL, path: ./spare } }\n');
  const { main } = loadChunk(join(dist, 'main.cjs'));
  for (const command of COMMANDS) {
    const status = await main(command, process);
    if (status !== 0) throw new Error(`${command.join(' ')} ended with ${status}`);
  }
  // The entry's name does not change with its content, so what was compiled for it could be another build's.
  for (const [file, { script }] of chunks) {
    if (file !== join(dist, 'main.cjs')) writeInOneStep(`${file}.compiled`, script.createCachedData());
  }
}

function writeInOneStep(path, contents) {
  const temporary = `${path}.${process.pid}`;
  writeFileSync(temporary, contents);
  renameSync(temporary, path);
}
