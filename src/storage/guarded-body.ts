import type { BodySource } from '../core/body.ts';
import { StorageError } from './storage-error.ts';

/**
 * A body that is watched while a store consumes it: what goes wrong in the source is told apart
 * from what goes wrong in the store, whatever an SDK makes of the stream's error.
 */
export interface GuardedBody {
  readonly size: number;
  /** The whole content, where it is in memory and as long as promised. */
  readonly bytes: Uint8Array | undefined;
  /** The chunks, exactly `size` bytes of them; may be called again for a fresh start. */
  chunks(): AsyncGenerator<Uint8Array, void, undefined>;
  /** What the source failed with, or INTEGRITY if it was short or long. */
  failure(): unknown;
}

export interface BodyGuardOptions {
  backend: string;
  key: string;
  signal?: AbortSignal | undefined;
}

/** Runs a put with the body under guard: what goes wrong in the source is what the put fails with. */
export async function putGuarded<T>(
  body: BodySource,
  options: BodyGuardOptions,
  put: (guarded: GuardedBody) => Promise<T>,
): Promise<T> {
  options.signal?.throwIfAborted();
  const guarded = guardBody(body, options);
  try {
    return await put(guarded);
  } catch (error) {
    throw guarded.failure() ?? error;
  }
}

export function guardBody(body: BodySource, options: BodyGuardOptions): GuardedBody {
  let failure: unknown;

  function mismatch(how: string): StorageError {
    return new StorageError('INTEGRITY', `the source gave ${how} than the ${body.size} bytes it promised`, {
      backend: options.backend,
      key: options.key,
    });
  }

  async function* chunks(): AsyncGenerator<Uint8Array, void, undefined> {
    failure = undefined;
    let seen = 0;
    try {
      for await (const chunk of body.bytes === undefined ? body.open() : [body.bytes]) {
        options.signal?.throwIfAborted();
        seen += chunk.byteLength;
        if (seen > body.size) throw mismatch('more');
        if (chunk.byteLength > 0) yield chunk;
      }
      if (seen < body.size) throw mismatch('less');
    } catch (error) {
      failure = error;
      throw error;
    }
  }

  const bytes = body.bytes?.byteLength === body.size ? body.bytes : undefined;
  return { size: body.size, bytes, chunks, failure: () => failure };
}
