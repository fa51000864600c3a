#!/usr/bin/env node
import * as nodeModule from 'node:module';

// Since Node 22.1: the next start reads compiled code instead of source.
nodeModule.enableCompileCache?.();
const { main } = await import('../dist/main.js');
process.exitCode = await main(process.argv.slice(2), process);
