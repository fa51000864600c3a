import { AssetError } from '../core/errors.ts';
import type { Environment } from './settings.ts';

/** A variable that is set to nothing counts as not set. */
export function variable(env: Environment, name: string): string | undefined {
  const value = env[name];
  return value === '' ? undefined : value;
}

/**
 * Reads a value that a person gave outside the configuration file, and names where it came from if it is wrong.
 * @throws AssetError USAGE for a flag, CONFIG_INVALID for a variable
 */
export function readNamed<T>(name: string, text: string, parse: (text: string) => T): T {
  try {
    return parse(text);
  } catch (error) {
    if (!(error instanceof AssetError)) throw error;
    throw namedError(name, error.message, error.hint);
  }
}

/** An error about the flag or the variable of that name. */
export function namedError(name: string, message: string, hint: string | undefined): AssetError {
  const code = name.startsWith('-') ? 'USAGE' : 'CONFIG_INVALID';
  return new AssetError(code, `${name}: ${message}`, {
    ...(hint === undefined ? {} : { hint }),
    details: name.startsWith('-') ? { option: name } : { variable: name },
  });
}
