import type { ByteReader } from '../byte-reader.ts';
import { type KnownType, knownType, knownTypeOfExtension } from './known-types.ts';
import { markupOf } from './markup.ts';
import { openXmlType } from './openxml.ts';
import { decodeHead, type TextEncodingLabel } from './text-scan.ts';
import { beginsLikeZip } from './zip-directory.ts';

export const UNKNOWN_TYPE = 'application/octet-stream';
/** So much of the beginning is enough to tell any type. */
export const HEAD_LENGTH = 64 * 1024;
const COMPOUND_FILE = 'application/x-cfb';

export interface DetectedType {
  mimeType: string;
  /** The type's own, without a dot; undefined if it has none. */
  extension: string | undefined;
}

/** The name's extension in lower case, without its dot; empty if it has none. */
export function extensionOf(name: string): string {
  const base = name.slice(name.lastIndexOf('/') + 1);
  const dot = base.lastIndexOf('.');
  return dot <= 0 ? '' : base.slice(dot + 1).toLowerCase();
}

/**
 * Tells the type of text that was found valid in `encoding`. The bytes decide what is certain
 * (HTML, SVG, XML, PDF …); among plain texts the name does.
 */
export function detectText(head: Uint8Array, encoding: TextEncodingLabel, name: string): DetectedType {
  const claimed = knownTypeOfExtension(extensionOf(name));
  return described(textualFormat(head) ?? markupType(head, encoding, claimed) ?? typeByName(claimed));
}

/** Formats that may consist of readable characters alone, and are not text for all that. */
function textualFormat(head: Uint8Array): string | undefined {
  const start = Buffer.from(head.buffer, head.byteOffset, Math.min(head.byteLength, 16)).toString('latin1');
  const text = start.startsWith('\u00ef\u00bb\u00bf') ? start.slice(3) : start;
  if (text.startsWith('%PDF-')) return 'application/pdf';
  if (text.startsWith('{\\rtf')) return 'application/rtf';
  return text.startsWith('%!PS') ? 'application/postscript' : undefined;
}

function markupType(head: Uint8Array, encoding: string, claimed: KnownType | undefined): string | undefined {
  if (encoding === 'utf-8' && !beginsWithAngleBracket(head)) return undefined;
  const markup = markupOf(decodeHead(head, encoding));
  if (markup === undefined) return undefined;
  if (markup.mimeType === 'text/html' && !markup.certain) return claimed === undefined ? 'text/html' : undefined;
  // XML is a text that people keep as .txt and .md, or, as XHTML, as .html; served so, it does nothing.
  const mayBeXml = ['text/plain', 'text/markdown', 'text/html'].includes(claimed?.mimeType ?? '');
  return markup.mimeType === 'text/xml' && mayBeXml ? undefined : markup.mimeType;
}

function beginsWithAngleBracket(head: Uint8Array): boolean {
  const start = head[0] === 0xef ? 3 : 0;
  for (let at = start; at < head.length; at += 1) {
    const byte = head[at] ?? 0;
    if (byte !== 0x20 && (byte < 0x09 || byte > 0x0d)) return byte === 0x3c;
  }
  return false;
}

function typeByName(claimed: KnownType | undefined): string {
  return claimed?.textByName === true ? claimed.mimeType : 'text/plain';
}

/** Tells the type of content that is not text. */
export async function detectBinary(head: Uint8Array, reader: ByteReader, name: string): Promise<DetectedType> {
  const format = textualFormat(head);
  if (format !== undefined) return described(format);
  const office = beginsLikeZip(head) ? openXmlType(reader) : undefined;
  if (office !== undefined) return described(office);
  const found = await detectByMagic(head, beginsLikeZip(head));
  if (found.mimeType !== COMPOUND_FILE) return found;
  const claimed = knownTypeOfExtension(extensionOf(name));
  return claimed?.compoundFile === true ? described(claimed.mimeType) : found;
}

async function detectByMagic(head: Uint8Array, isZip: boolean): Promise<DetectedType> {
  // Loaded only when something is not text: it costs a tenth of a whole upload.
  const { fileTypeFromBuffer } = await import('file-type/core');
  const found = await fileTypeFromBuffer(head);
  const [mimeType = UNKNOWN_TYPE] = (found?.mime ?? UNKNOWN_TYPE).split(';');
  // It reads local headers alone: what it takes for OpenXML and our reading of the directory refuted is a ZIP.
  if (isZip && (found === undefined || /openxmlformats|macroenabled/.test(mimeType)))
    return described('application/zip');
  if (found === undefined) return { mimeType: UNKNOWN_TYPE, extension: undefined };
  // An animated PNG is a PNG to every reader, and its own standard says so.
  if (mimeType === 'image/apng') return described('image/png');
  const own = knownType(mimeType)?.extensions[0];
  return { mimeType, extension: own ?? found.ext };
}

function described(mimeType: string): DetectedType {
  return { mimeType, extension: knownType(mimeType)?.extensions[0] };
}
