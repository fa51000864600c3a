/** How content comes in: from a file, or from a stream whose end nobody knows. */

export { tooLarge } from './reading/file-errors.ts';
export { readFileContent } from './reading/read-file-content.ts';
export { readLooseContent, readSpooledContent, readStreamContent } from './reading/read-stream-content.ts';
export { Spool } from './reading/spool.ts';
