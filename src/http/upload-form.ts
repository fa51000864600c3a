import type { Multipart, MultipartFile, MultipartValue } from '@fastify/multipart';
import type { FastifyRequest } from 'fastify';
import type { ContentRules } from '../content/content.ts';
import { drain, Spool } from '../content/read-content.ts';
import { AssetError } from '../core/errors.ts';
import { HttpError } from './problems.ts';

/** A form that was received: its one file is in memory if it is small, else in a file without a name. */
export interface UploadForm {
  fields: ReadonlyMap<string, string>;
  filename: string;
  /** Whoever receives the form discards it in the end; what has read it has taken it over. */
  spool: Spool;
}

export const FORM_FIELDS = ['asset_type', 'project_id', 'is_public', 'expires_in'] as const;
/** Hundreds of uploads at once are received in so much each. */
const LARGEST_IN_MEMORY = 256 * 1024;
const LONGEST_FIELD = 1024;
/** Boundaries, part headers and fields beside the file. */
const LARGEST_ENVELOPE = 64 * 1024;

/**
 * Receives a multipart form as it comes, fields before or after the file. A form that is cut off leaves nothing.
 * @throws AssetError USAGE, FILE_TOO_LARGE, FILE_UNREADABLE, DISK_FULL
 */
export async function receiveForm(
  request: FastifyRequest,
  { rules, directory }: { rules: ContentRules; directory: string },
): Promise<UploadForm> {
  if (!request.isMultipart()) throw new HttpError(415, 'The body is not a form', 'Send multipart/form-data.');
  refuseCoded(request);
  refuseDeclared(request, rules);
  const spool = new Spool(directory, LARGEST_IN_MEMORY);
  const fields = new Map<string, string>();
  let filename: string | undefined;
  try {
    for await (const part of partsOf(request, rules)) {
      if (part.type === 'field') {
        addField(fields, part);
        continue;
      }
      if (filename !== undefined) throw usage('The form has more than one file', 'Send one file in each request.');
      filename = nameOf(part);
      await drain(part.file as AsyncIterable<Uint8Array>, spool, filename, rules);
    }
    if (filename === undefined) throw usage('The form has no file', 'Send the file as a part with a file name.');
    return { fields, filename, spool };
  } catch (error) {
    spool.discard();
    throw error instanceof AssetError ? error : malformed(error);
  }
}

/** The parser's own words for what is no form, or only the beginning of one. */
function malformed(cause: unknown): AssetError {
  const reason = cause instanceof Error ? cause.message : String(cause);
  return new AssetError('USAGE', `The form cannot be read: ${reason}`, {
    hint: 'Send the whole of it as multipart/form-data with its boundary.',
    cause,
  });
}

const PARTS = {
  limits: {
    fields: FORM_FIELDS.length + 1,
    files: 2,
    parts: FORM_FIELDS.length + 3,
    fieldSize: LONGEST_FIELD,
    // What is too large is refused by drain, with our own code.
    fileSize: Number.MAX_SAFE_INTEGER,
  },
};

function refuseCoded({ headers }: FastifyRequest): void {
  const coding = headers['content-encoding'] ?? 'identity';
  if (coding.toLowerCase() === 'identity') return;
  throw new HttpError(415, 'The body has a Content-Encoding, which forms are not read in', 'Send it as it is.');
}

/** What says itself that it is too large is not read. */
export function refuseDeclared(request: FastifyRequest, { maxFileSize }: ContentRules): void {
  const declared = Number(request.headers['content-length'] ?? 0);
  if (declared <= maxFileSize + LARGEST_ENVELOPE) return;
  throw tooLarge(`The request has ${declared} bytes, a file may have ${maxFileSize}`);
}

function tooLarge(message: string): AssetError {
  return new AssetError('FILE_TOO_LARGE', message, {
    hint: 'limits.maxFileSize in the configuration of the server sets that.',
  });
}

/** The parts as they come, as long as all that surrounds the file is no more than an envelope. */
async function* partsOf(request: FastifyRequest, { maxFileSize }: ContentRules): AsyncGenerator<Multipart> {
  const { raw } = request;
  let received = 0;
  const excess = new Promise<never>((_resolve, reject) => {
    raw.on('data', (chunk: Buffer) => {
      received += chunk.byteLength;
      if (received <= maxFileSize + LARGEST_ENVELOPE) return;
      raw.unpipe();
      raw.pause();
      reject(tooLarge(`The request has more than ${received} bytes, a file may have ${maxFileSize}`));
    });
  });
  // It may come while nobody waits for a part.
  excess.catch(() => undefined);
  const parts = request.parts(PARTS);
  for (;;) {
    const { done, value } = await Promise.race([parts.next(), excess]);
    if (done === true) return;
    yield value;
  }
}

function addField(fields: Map<string, string>, part: MultipartValue): void {
  const { fieldname, value, valueTruncated } = part;
  if (!FORM_FIELDS.some((name) => name === fieldname)) {
    throw usage('The form has an unknown field', `The fields are ${FORM_FIELDS.join(', ')}, and the file.`);
  }
  if (fields.has(fieldname)) throw usage(`${fieldname} comes twice`, 'Send it once.');
  if (valueTruncated) throw usage(`${fieldname} is too long`, 'Send less.');
  if (typeof value !== 'string') throw usage(`${fieldname} is not plain text`, 'Send its part without a Content-Type.');
  fields.set(fieldname, value);
}

function nameOf({ filename }: MultipartFile): string {
  if (typeof filename !== 'string' || filename === '') throw usage('The file has no name', 'Send a file name with it.');
  // What the parser puts where bytes are no UTF-8.
  if (filename.includes('\uFFFD')) throw usage('The file name is not valid UTF-8', 'Send it in UTF-8.');
  // Browsers and curl write a quotation mark in this way, and nothing else.
  return filename.replaceAll('%22', '"');
}

function usage(message: string, hint: string): AssetError {
  return new AssetError('USAGE', message, { hint });
}
