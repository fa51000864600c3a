#!/usr/bin/env node
'use strict';

const { join } = require('node:path');
const { loadChunk } = require('./load-chunk.js');

const { main } = loadChunk(join(__dirname, '../dist/main.cjs'));

// Until main has said how it ended: a process that runs out of things to wait for has not done its work.
process.exitCode = 1;
main(process.argv.slice(2), process).then((status) => {
  process.exitCode = status;
});
