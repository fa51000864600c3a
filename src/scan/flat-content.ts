/** The smallest MaxFileSize that any release of clamd came with. */
const SMALLEST_FILE_LIMIT = 25 * 1024 * 1024;

/** How a mail begins, as clamd recognises one: it unpacks the attachments. */
const MAIL =
  /^(?:>?From |(?:Received|Return-Path|Delivered-To|Date|Message-I[Dd]|To|Subject|MIME-Version|Content-Type|X-[\w-]+|Envelope-to|Delivery-date|For|Reply-To|From): ?)/;

const FLAT_TYPES: ReadonlySet<string> = new Set([
  'text/plain',
  'text/csv',
  'text/tab-separated-values',
  'application/json',
  'application/x-ndjson',
  'image/png',
  'image/jpeg',
  'image/gif',
  'image/webp',
]);

/**
 * Whether content is certain to stay within clamd's limits: nothing in it is unpacked, and it is
 * not larger than any default. What clamd says of it can be believed even where it does not tell
 * when it skips something.
 */
export function isFlat(head: Uint8Array, size: number, mimeType: string | undefined): boolean {
  if (mimeType === undefined || !FLAT_TYPES.has(mimeType) || size > SMALLEST_FILE_LIMIT) return false;
  return !MAIL.test(Buffer.from(head.subarray(0, 256)).toString('latin1').trimStart());
}
