'use strict';

const { readFileSync } = require('node:fs');
const { createRequire } = require('node:module');
const { dirname, join } = require('node:path');
const { Script } = require('node:vm');

/** Packages and Node's own modules, for every file alike. */
const outside = createRequire(join(__dirname, '../dist/main.cjs'));
/** Every file of dist/ that was loaded, by path. */
const chunks = new Map();

/**
 * Loads a file of dist/ as `require` does, but with the code that the build has compiled beside it, which spares a
 * third of a short command's time above Node's own start. V8 refuses what another version compiled, and compiles anew.
 */
function loadChunk(file) {
  const loaded = chunks.get(file);
  if (loaded !== undefined) return loaded.module.exports;
  const source = readFileSync(file, 'latin1'); // the build writes ASCII
  const script = new Script(`(function(exports,require,module,__filename,__dirname){${source}\n})`, {
    filename: file,
    cachedData: readCompiled(file),
  });
  const module = { exports: {} };
  chunks.set(file, { script, module });
  const folder = dirname(file);
  const load = (id) => (id.startsWith('.') ? loadChunk(join(folder, id)) : outside(id));
  load.resolve = outside.resolve;
  script.runInThisContext().call(module.exports, module.exports, load, module, file, folder);
  return module.exports;
}

function readCompiled(file) {
  try {
    return readFileSync(`${file}.compiled`);
  } catch {
    return undefined; // not compiled by the build: only what short commands need is
  }
}

module.exports = { loadChunk, chunks };
