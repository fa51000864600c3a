#!/usr/bin/env node
'use strict';

// Since Node 22.1: the next start reads compiled code instead of source.
require('node:module').enableCompileCache?.();
const { main } = require('../dist/main.cjs');

main(process.argv.slice(2), process).then((status) => {
  process.exitCode = status;
});
