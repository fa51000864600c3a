import type { IncomingHttpHeaders } from 'node:http';
import type { Readable } from 'node:stream';
import type { ContentRules } from '../content/content.ts';
import { Spool, tooLarge } from '../content/read-content.ts';
import { AssetError } from '../core/errors.ts';
import { parseDisposition, UnreadableName } from './form-disposition.ts';
import { createFormParser, type FormEvent, MalformedForm, type PartHeaders } from './form-parser.ts';
import { HttpError } from './problems.ts';

/** A form that was received: its one file is in memory if it is small, else in a file without a name. */
export interface UploadForm {
  fields: ReadonlyMap<string, string>;
  filename: string;
  /** Whoever receives the form discards it in the end; what has read it has taken it over. */
  spool: Spool;
}

/** What is looked at before the body. */
interface Head {
  headers: IncomingHttpHeaders;
}

/** As much of a request as a form is received from. */
export interface FormRequest extends Head {
  raw: Readable & { complete: boolean };
}

export const FORM_FIELDS = ['asset_type', 'project_id', 'is_public', 'expires_in'] as const;
/** Hundreds of uploads at once are received in so much each. */
const LARGEST_IN_MEMORY = 256 * 1024;
const LONGEST_FIELD = 1024;
/** RFC 2046, 5.1.1. So much is kept back of each chunk: of tiny ones a long boundary would take many times their bytes. */
const LONGEST_BOUNDARY = 70;
/** Boundaries, part headers and fields beside the file. */
const LARGEST_ENVELOPE = 64 * 1024;

/**
 * Receives a multipart form as it comes, fields before or after the file. A form that is cut off leaves nothing.
 * @throws AssetError USAGE, FILE_TOO_LARGE, DISK_FULL
 */
export async function receiveForm(
  request: FormRequest,
  { rules, directory }: { rules: ContentRules; directory: string },
): Promise<UploadForm> {
  const boundary = boundaryOf(request);
  refuseCoded(request);
  refuseDeclared(request, rules);
  const parser = createFormParser(boundary);
  const form = createForm(rules, directory);
  let received = 0;
  try {
    await readWhole(request.raw, (chunk) => {
      received += chunk.byteLength;
      if (received > rules.maxFileSize + LARGEST_ENVELOPE) throw tooMuch(received, rules);
      return form.take(parser.push(chunk));
    });
    if (!parser.isWhole()) throw new MalformedForm('it ends before its last boundary');
    return await form.end();
  } catch (error) {
    form.discard();
    throw error instanceof AssetError ? error : malformed(error);
  }
}

/** Without the stream's own iterator, which would end the connection with what it was left by. */
function readWhole(raw: FormRequest['raw'], take: (chunk: Buffer) => Promise<void> | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    let taken: Promise<void> | undefined;
    const fail = (error: unknown): void => {
      raw.off('data', onData);
      raw.pause();
      // What is still being written needs its file; closed now, it would go into the next one that is opened.
      const refuse = () => reject(error);
      if (taken === undefined) refuse();
      else taken.then(refuse, refuse);
    };
    const onData = (chunk: Buffer): void => {
      try {
        taken = take(chunk);
        if (taken === undefined) return;
        raw.pause();
        taken.then(() => raw.resume(), fail);
      } catch (error) {
        fail(error);
      }
    };
    raw.on('data', onData);
    raw.once('end', resolve);
    raw.once('error', fail);
    raw.once('close', () => {
      if (!raw.complete) fail(new MalformedForm('the connection ended before it did'));
    });
  });
}

/** What has come of a form. */
interface Form {
  take(events: readonly FormEvent[]): Promise<void> | undefined;
  end(): Promise<UploadForm>;
  discard(): void;
}

function createForm(rules: ContentRules, directory: string): Form {
  const spool = new Spool(directory, LARGEST_IN_MEMORY);
  const fields = new Map<string, string>();
  let filename: string | undefined;
  let part: { field: string; bytes: Buffer[]; size: number } | 'file' | undefined;

  function endField(): void {
    if (part === undefined || part === 'file') return;
    fields.set(part.field, Buffer.concat(part.bytes).toString());
    part = undefined;
  }

  function begin(headers: PartHeaders): void {
    endField();
    const { name = '', filename: fresh } = dispositionOf(headers);
    if (fresh === undefined) {
      part = { field: fieldOf(name, headers, fields), bytes: [], size: 0 };
      return;
    }
    if (filename !== undefined) throw usage('The form has more than one file', 'Send one file in each request.');
    filename = nameOf(fresh);
    part = 'file';
  }

  function add(bytes: Buffer): Promise<void> | undefined {
    if (part === undefined) return undefined;
    if (part === 'file') {
      if (spool.size + bytes.byteLength > rules.maxFileSize) throw tooLarge(filename ?? '', rules);
      return spool.append(bytes);
    }
    part.size += bytes.byteLength;
    if (part.size > LONGEST_FIELD) throw usage(`${part.field} is too long`, 'Send less.');
    part.bytes.push(bytes);
    return undefined;
  }

  async function takeSlowly(events: readonly FormEvent[], first: Promise<void>): Promise<void> {
    await first;
    await take(events);
  }

  function take(events: readonly FormEvent[]): Promise<void> | undefined {
    for (const [index, event] of events.entries()) {
      if (event.kind === 'part') begin(event.headers);
      else {
        const added = add(event.bytes);
        if (added !== undefined) return takeSlowly(events.slice(index + 1), added);
      }
    }
    return undefined;
  }

  return {
    take,
    async end() {
      endField();
      if (filename === undefined) throw usage('The form has no file', 'Send the file as a part with a file name.');
      await spool.end();
      return { fields, filename, spool };
    },
    discard: () => spool.discard(),
  };
}

function boundaryOf({ headers }: Head): string {
  const type = headers['content-type'] ?? '';
  if (!/^multipart\/form-data[ \t]*(;|$)/i.test(type)) {
    throw new HttpError(415, 'The body is not a form', 'Send multipart/form-data.');
  }
  const [, quoted, token] = /;[ \t]*boundary=(?:"([^"]+)"|([^\s;"]+))/i.exec(type) ?? [];
  const boundary = quoted ?? token;
  if (boundary === undefined) throw malformed(new MalformedForm('its Content-Type names no boundary'));
  if (boundary.length <= LONGEST_BOUNDARY) return boundary;
  throw malformed(new MalformedForm(`its boundary has more than ${LONGEST_BOUNDARY} characters`));
}

/** Why it is no form, or only the beginning of one. */
function malformed(cause: unknown): AssetError {
  const reason = cause instanceof Error ? cause.message : String(cause);
  return new AssetError('USAGE', `The form cannot be read: ${reason}`, {
    hint: 'Send the whole of it as multipart/form-data with its boundary.',
    cause,
  });
}

function refuseCoded({ headers }: Head): void {
  const coding = headers['content-encoding'] ?? 'identity';
  if (coding.toLowerCase() === 'identity') return;
  throw new HttpError(415, 'The body has a Content-Encoding, which forms are not read in', 'Send it as it is.');
}

/** What says itself that it is too large is not read. */
export function refuseDeclared(request: Head, { maxFileSize }: ContentRules): void {
  const declared = Number(request.headers['content-length'] ?? 0);
  if (declared <= maxFileSize + LARGEST_ENVELOPE) return;
  throw requestTooLarge(`The request has ${declared} bytes, a file may have ${maxFileSize}`);
}

function tooMuch(received: number, { maxFileSize }: ContentRules): AssetError {
  return requestTooLarge(`The request has more than ${received} bytes, a file may have ${maxFileSize}`);
}

function requestTooLarge(message: string): AssetError {
  return new AssetError('FILE_TOO_LARGE', message, {
    hint: 'limits.maxFileSize in the configuration of the server sets that.',
  });
}

function dispositionOf(headers: PartHeaders) {
  const header = headers.get('content-disposition') ?? '';
  try {
    const disposition = parseDisposition(header);
    if (disposition !== undefined) return disposition;
  } catch (error) {
    if (!(error instanceof UnreadableName)) throw error;
    throw usage(`A name in the form cannot be read: ${error.message}`, 'Send it in UTF-8.');
  }
  throw usage('A part of the form lacks its Content-Disposition', 'Send: Content-Disposition: form-data; name="…".');
}

function fieldOf(name: string, headers: PartHeaders, fields: ReadonlyMap<string, string>): string {
  if (headers.get('content-type')?.toLowerCase().startsWith('application/octet-stream') === true) {
    throw usage('The file has no name', 'Send a file name with it.');
  }
  if (!FORM_FIELDS.some((field) => field === name)) {
    throw usage('The form has an unknown field', `The fields are ${FORM_FIELDS.join(', ')}, and the file.`);
  }
  if (fields.has(name)) throw usage(`${name} comes twice`, 'Send it once.');
  if (/^text\/plain\b/i.test(headers.get('content-type') ?? 'text/plain')) return name;
  throw usage(`${name} is not plain text`, 'Send its part without a Content-Type.');
}

/** A path is sent by old browsers; what counts is its end. */
function nameOf(filename: string): string {
  const [base = ''] = filename.split(/[/\\]/).slice(-1);
  if (base !== '' && base !== '.' && base !== '..') return base;
  throw usage('The file has no name', 'Send a file name with it.');
}

function usage(message: string, hint: string): AssetError {
  return new AssetError('USAGE', message, { hint });
}
