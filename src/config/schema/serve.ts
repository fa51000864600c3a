import * as z from 'zod/mini';
import { DEFAULT_RATE_LIMIT } from '../defaults.ts';
import { key, origin, wholeNumber } from './kinds.ts';

const MOST_A_MINUTE = 100_000_000;

export const serve = key(
  z.strictObject({
    rateLimit: key(
      wholeNumber(0, MOST_A_MINUTE),
      'Requests a minute for each token, or for each address without one; 0: any number.',
      DEFAULT_RATE_LIMIT,
    ),
    corsOrigins: key(z.array(origin()), 'Web sites whose scripts may call the server: https://app.example.com.', []),
  }),
  'The HTTP side: asset-cli serve.',
);
