import { basename } from 'node:path';
import { Readable } from 'node:stream';
import { AssetError } from '../core/errors.ts';
import type { UploadRequest } from '../operations/upload/upload-request.ts';
import type { ContentInput, UploadInput } from './types.ts';

/** A generated name has no extension yet: the content gives it one. */
export type SourceInput = UploadInput & { isNameGenerated?: boolean };

/** One input as the upload operation takes it. */
export function toSources(input: SourceInput): Pick<UploadRequest, 'sources' | 'standardInput'> {
  if ('path' in input) {
    const { path, filename } = input;
    return { sources: single({ label: path, path, name: filename ?? basename(path) }) };
  }
  const { filename, isNameGenerated = false } = input;
  const source = { label: filename, path: '-', name: filename, isNameGenerated };
  return { sources: single(source), standardInput: toStream(input.content) };
}

async function* single<T>(item: T): AsyncGenerator<T> {
  yield item;
}

function toStream(content: ContentInput): Readable {
  if (typeof content === 'string') return Readable.from([Buffer.from(content)], { objectMode: false });
  if (content instanceof Uint8Array) return Readable.from([Buffer.from(content)], { objectMode: false });
  if (typeof content === 'object' && content !== null && Symbol.asyncIterator in content) return bytesOf(content);
  throw new AssetError('USAGE', 'The content is neither text, bytes nor a stream of them', {
    hint: 'Give a string, a Uint8Array or an async iterable of these, or { path } for a file.',
  });
}

function bytesOf(content: AsyncIterable<Uint8Array | string>): Readable {
  return Readable.from(encoded(content), { objectMode: false });
}

async function* encoded(content: AsyncIterable<Uint8Array | string>): AsyncGenerator<Uint8Array> {
  for await (const chunk of content) yield typeof chunk === 'string' ? Buffer.from(chunk) : chunk;
}
