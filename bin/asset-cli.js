#!/usr/bin/env node
'use strict';

const { join } = require('node:path');
const { loadChunk } = require('./load-chunk.js');

const { main } = loadChunk(join(__dirname, '../dist/main.cjs'));

main(process.argv.slice(2), process).then((status) => {
  process.exitCode = status;
});
