import type { CommandModule } from '../command.ts';

export interface CommandEntry {
  name: string;
  alias?: string;
  /** What the top-level help says of it. */
  summary: string;
  load: () => Promise<CommandModule>;
}

/** Every command, in the order of the help. Only the one that is invoked is loaded. */
export const COMMANDS: readonly CommandEntry[] = [
  { name: 'upload', summary: 'validate, hash and store files', load: () => import('./upload.ts') },
  {
    name: 'download',
    summary: 'write assets to files or standard output, verified',
    load: () => import('./download.ts'),
  },
  { name: 'list', alias: 'ls', summary: 'page through assets, newest first', load: () => import('./list.ts') },
  { name: 'show', summary: 'show assets in full, and what happened to them', load: () => import('./show.ts') },
  { name: 'sign', summary: 'print a URL that works without credentials for a while', load: () => import('./sign.ts') },
  { name: 'delete', alias: 'rm', summary: 'remove assets and their bytes', load: () => import('./delete.ts') },
  {
    name: 'restore',
    summary: 'bring assets back from the trash or from quarantine',
    load: () => import('./restore.ts'),
  },
  { name: 'extend', summary: 'change when assets expire', load: () => import('./extend.ts') },
  { name: 'publish', summary: 'give assets a public address', load: () => import('./publish.ts') },
  { name: 'unpublish', summary: 'take assets back from their public address', load: () => import('./unpublish.ts') },
  { name: 'scan', summary: 'scan stored assets for viruses with ClamAV', load: () => import('./scan.ts') },
  {
    name: 'purge-expired',
    summary: 'remove what has expired, old trash and abandoned uploads',
    load: () => import('./purge-expired.ts'),
  },
  {
    name: 'migrate',
    summary: 'move assets between backends, verified, while everyone keeps working',
    load: () => import('./migrate.ts'),
  },
  { name: 'verify', summary: 'compare database and storage, and repair', load: () => import('./verify.ts') },
  { name: 'stats', summary: 'count assets and bytes, and what expires when', load: () => import('./stats.ts') },
  { name: 'audit', summary: 'read the audit trail', load: () => import('./audit.ts') },
  { name: 'serve', summary: 'the same over HTTP, for programs with tokens', load: () => import('./serve.ts') },
  {
    name: 'token',
    summary: 'make, list and revoke bearer tokens for serve',
    load: () => import('./token.ts'),
  },
  { name: 'db', summary: 'migrate, inspect, back up and restore the catalog', load: () => import('./db.ts') },
  { name: 'init', summary: 'ask, test the answers, write a configuration', load: () => import('./init.ts') },
  { name: 'doctor', summary: 'check configuration, database, backends and scanner', load: () => import('./doctor.ts') },
  { name: 'completion', summary: 'print shell completion', load: () => import('./completion.ts') },
];
