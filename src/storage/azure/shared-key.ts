import { createHmac } from 'node:crypto';

// "Authorize with Shared Key" of the Azure Storage REST API, version 2015-02-21 and later.
const STANDARD_HEADERS = [
  'content-encoding',
  'content-language',
  'content-length',
  'content-md5',
  'content-type',
  'date',
  'if-modified-since',
  'if-match',
  'if-none-match',
  'if-unmodified-since',
  'range',
];

export interface RequestToSign {
  method: string;
  /** As sent, encoded, with the account's own segment where the endpoint has one. */
  path: string;
  query: Readonly<Record<string, string>>;
  /** Names in lower case. */
  headers: Readonly<Record<string, string>>;
}

/** The value of the Authorization header. */
export function signWithSharedKey(request: RequestToSign, account: string, key: Buffer): string {
  const standard = STANDARD_HEADERS.map((name) => {
    const value = request.headers[name] ?? '';
    return name === 'content-length' && value === '0' ? '' : value;
  });
  const own = Object.keys(request.headers)
    .filter((name) => name.startsWith('x-ms-'))
    .sort()
    .map((name) => `${name}:${request.headers[name]?.trim()}`);
  const query = Object.keys(request.query)
    .sort()
    .map((name) => `${name.toLowerCase()}:${request.query[name]}`);
  const text = [request.method, ...standard, ...own, [`/${account}${request.path}`, ...query].join('\n')].join('\n');
  return `SharedKey ${account}:${createHmac('sha256', key).update(text, 'utf8').digest('base64')}`;
}
