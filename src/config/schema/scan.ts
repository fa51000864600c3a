import * as z from 'zod/mini';
import { SCAN_MODES } from '../settings.ts';
import { key, path, port, words } from './kinds.ts';

export const scan = key(
  z.strictObject({
    mode: key(
      z.enum(SCAN_MODES),
      'required: nothing is stored without a verdict. auto: scan where clamd answers. off: do not ask.',
      'auto',
    ),
    clamd: key(
      z.strictObject({
        host: key(words(), 'Where clamd listens (TCPAddr in clamd.conf).', '127.0.0.1'),
        port: key(port(), 'At which port (TCPSocket in clamd.conf).', 3310),
        socket: key(path(), 'Its Unix socket (LocalSocket in clamd.conf) instead of host and port.'),
      }),
      'The virus scanner.',
    ),
  }),
  'Virus scanning by ClamAV.',
);
