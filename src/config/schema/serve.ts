import * as z from 'zod/mini';
import { DEFAULT_PUBLIC_URL, DEFAULT_RATE_LIMIT } from '../defaults.ts';
import { endpoint, key, origin, signingKeys, wholeNumber } from './kinds.ts';

const MOST_A_MINUTE = 100_000_000;

export const serve = key(
  z.strictObject({
    publicUrl: key(
      endpoint(),
      'What the signed URLs of local backends begin with. Those that a server signs: with its own address, unless this is set.',
      DEFAULT_PUBLIC_URL,
    ),
    signingKey: key(
      signingKeys(),
      'Signs the URLs of local backends, the same on every host; of a list the first signs and all are accepted. Needed with PostgreSQL.',
    ),
    rateLimit: key(
      wholeNumber(0, MOST_A_MINUTE),
      'Requests a minute for each token, or for each address without one; 0: any number.',
      DEFAULT_RATE_LIMIT,
    ),
    corsOrigins: key(z.array(origin()), 'Web sites whose scripts may call the server: https://app.example.com.', []),
  }),
  'The HTTP side: asset-cli serve.',
);
