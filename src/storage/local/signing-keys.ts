import { randomBytes, randomUUID } from 'node:crypto';
import { linkSync, readFileSync, rmSync, type Stats, statSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { AssetError, toFailure } from '../../core/errors.ts';
import { makeDirectories } from '../../core/make-directories.ts';
import { SHORTEST_SIGNING_KEY, type SigningKey, toSigningKey } from '../../core/signed-path.ts';
import { errorCode } from './errors.ts';

const SECRET_BYTES = 32;
const BELIEVED_FOR_MILLISECONDS = 1000;

/**
 * The keys of a file of this user alone, one a line: the first signs, all of them are accepted. Made with a random key
 * at the first call. Looked at again after a while, so that a server takes up a key that was added; if the file has
 * become unusable or is gone, what was known goes on, and `warn` tells so once.
 * @throws AssetError CONFIG_INVALID at the first call, whose message holds no key
 */
export function signingKeysFile(path: string, warn: (message: string) => void): () => readonly SigningKey[] {
  let known: { keys: readonly SigningKey[]; since: number } | undefined;
  let warned: string | undefined;

  function again(keys: readonly SigningKey[]): readonly SigningKey[] {
    try {
      const fresh = read(path);
      warned = undefined;
      return fresh;
    } catch (error) {
      const { message } = toFailure(explain(error, path));
      if (message !== warned) warn(`${message}; the keys that were read before go on`);
      warned = message;
      return keys;
    }
  }

  return () => {
    if (known !== undefined && performance.now() - known.since < BELIEVED_FOR_MILLISECONDS) return known.keys;
    const keys = known === undefined ? readOrMake(path) : again(known.keys);
    known = { keys, since: performance.now() };
    return keys;
  };
}

function readOrMake(path: string): SigningKey[] {
  try {
    return read(path);
  } catch (error) {
    if (errorCode(error) !== 'ENOENT') throw explain(error, path);
  }
  try {
    make(path);
    return read(path);
  } catch (error) {
    throw explain(error, path);
  }
}

function read(path: string): SigningKey[] {
  refuseOthers(path, statSync(path));
  const secrets = readFileSync(path, 'utf8')
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '');
  if (secrets.length === 0) throw unusable(`${path} holds no signing key`, 'Remove it: a new one is made.');
  if (secrets.some((secret) => secret.length < SHORTEST_SIGNING_KEY)) {
    throw unusable(`${path} holds a key of less than ${SHORTEST_SIGNING_KEY} characters`, 'Write longer ones.');
  }
  return secrets.map(toSigningKey);
}

function refuseOthers(path: string, { mode, uid }: Stats): void {
  const user = process.getuid?.();
  if (user !== undefined && uid !== user) {
    throw unusable(`${path} belongs to another user, who knows its keys`, `Take it over: chown ${user} ${path}`);
  }
  if ((mode & 0o077) !== 0) throw unusable(`${path} is open to other users`, `Close it: chmod 600 ${path}`);
}

/** Complete or absent, and of two who make it at once the first one's. */
function make(path: string): void {
  makeDirectories(dirname(path), 0o700);
  const temporary = `${path}.${randomUUID()}`;
  try {
    writeFileSync(temporary, `${randomBytes(SECRET_BYTES).toString('base64url')}\n`, { mode: 0o600, flag: 'wx' });
    linkSync(temporary, path);
  } catch (error) {
    if (errorCode(error) !== 'EEXIST') throw error;
  } finally {
    rmSync(temporary, { force: true });
  }
}

function explain(error: unknown, path: string): unknown {
  const code = errorCode(error);
  if (error instanceof AssetError || code === undefined) return error;
  return unusable(`The signing keys in ${path} cannot be read or made (${code})`, 'Check its permissions.', error);
}

function unusable(message: string, hint: string, cause?: unknown): AssetError {
  return new AssetError('CONFIG_INVALID', message, cause === undefined ? { hint } : { hint, cause });
}
