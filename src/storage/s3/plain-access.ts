import { existsSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import type { S3Definition } from '../definition.ts';
import type { Access } from './access.ts';
import type { Credentials } from './signature.ts';

/** What may be set of AWS's variables; any other may mean something else to the SDK. */
const PLAIN_VARIABLES = new Set(['AWS_ACCESS_KEY_ID', 'AWS_SECRET_ACCESS_KEY', 'AWS_SESSION_TOKEN', 'AWS_REGION']);
const PLAIN_ENDPOINT = /^https?:\/\/[a-z\d.-]+(?::\d+)?\/?$/;
/** Two hyphens, as in directory buckets, mean something. */
const PLAIN_BUCKET = /^(?!.*--)[a-z\d][a-z\d.-]{1,61}[a-z\d]$/;
/** Not those that stand for others, such as aws-global or fips-us-east-1. */
const PLAIN_REGION = /^(?!.*(?:aws|fips|s3))[a-z\d](?:[a-z\d-]{0,61}[a-z\d])?$/;

/**
 * Who we are and where the bucket is, where nothing is left to be found out: a store with an endpoint of its own, in path
 * style, and keys in the environment. The SDK comes to the same, but to load and ask it takes as long as a short command.
 * @returns undefined where it may come to something else
 */
export function plainAccess(definition: S3Definition): Access | undefined {
  // biome-ignore lint/style/noProcessEnv: it is what the SDK looks at, whatever environment a program hands in.
  const env = process.env;
  const { bucket, endpoint, forcePathStyle, profile, region = env['AWS_REGION'] } = definition;
  const keys = keysIn(env);
  if (endpoint === undefined || forcePathStyle !== true || profile !== undefined) return undefined;
  if (keys === undefined || region === undefined) return undefined;
  if (!PLAIN_ENDPOINT.test(endpoint) || !PLAIN_BUCKET.test(bucket) || !PLAIN_REGION.test(region)) return undefined;
  if (!isPlain(env)) return undefined;
  const { origin, host } = new URL(endpoint);
  let current = keys;
  return {
    location: { origin, host, path: `/${bucket}`, region },
    async credentials(force = false) {
      // Where they expired, the program around us may have put new ones there.
      if (force) current = keysIn(env) ?? current;
      return current;
    },
    close: () => undefined,
  };
}

function keysIn(env: NodeJS.ProcessEnv): Credentials | undefined {
  const { AWS_ACCESS_KEY_ID: accessKeyId, AWS_SECRET_ACCESS_KEY: secretAccessKey, AWS_SESSION_TOKEN: token } = env;
  if (!accessKeyId || !secretAccessKey) return undefined;
  return { accessKeyId, secretAccessKey, ...(token ? { sessionToken: token } : {}) };
}

/** Nothing else to be heeded: no other variable, and no file with profiles, of which one is the default. */
function isPlain(env: NodeJS.ProcessEnv): boolean {
  const homes = [env['HOME'], env['USERPROFILE'], homedir()];
  if (homes.some((home) => home !== undefined && existsSync(join(home, '.aws')))) return false;
  return Object.keys(env).every((name) => !name.toUpperCase().startsWith('AWS_') || PLAIN_VARIABLES.has(name));
}
