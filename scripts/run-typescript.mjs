// `node --import ./scripts/run-typescript.mjs file.ts`: Node 20 runs TypeScript whose types are erased as it is loaded.
import { register } from 'node:module';

register('./typescript-loader.mjs', import.meta.url);
