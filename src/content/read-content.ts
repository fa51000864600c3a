/** How content comes in: from a file, or from a stream whose end nobody knows. */

export { tooLarge } from './file-errors.ts';
export { readFileContent } from './read-file-content.ts';
export { readLooseContent, readSpooledContent, readStreamContent } from './read-stream-content.ts';
export { Spool } from './spool.ts';
