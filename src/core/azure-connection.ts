import { AssetError } from './errors.ts';

/** What a connection string of Azure Storage says; it need not say everything. */
export interface AzureConnection {
  account: string | undefined;
  /** Of the blob service. */
  endpoint: string | undefined;
  /** Base64. */
  key: string | undefined;
  signature: string | undefined;
}

/** Published by Microsoft for every emulator: no secret. */
const EMULATOR = {
  account: 'devstoreaccount1',
  key: 'Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==',
  port: 10_000,
};

/**
 * Reads `Name=Value;…`.
 * @throws AssetError CONFIG_INVALID that never repeats the text, which holds secrets
 */
export function readAzureConnection(text: string): AzureConnection {
  const settings = pairsOf(text);
  if (settings.size === 0) throw invalid('It holds no Name=Value.');
  if (settings.get('usedevelopmentstorage')?.toLowerCase() === 'true') return emulator(settings);
  const account = settings.get('accountname');
  if (account !== undefined && !/^[a-z0-9-]+$/i.test(account)) throw invalid('Its AccountName is none.');
  const key = settings.get('accountkey');
  if (key !== undefined && !/^[A-Za-z0-9+/]+={0,2}$/.test(key)) throw invalid('Its AccountKey is not Base64.');
  const endpoint = settings.get('blobendpoint') ?? endpointOf(account, settings);
  if (endpoint !== undefined) checkEndpoint(endpoint);
  return { account, endpoint, key, signature: settings.get('sharedaccesssignature') };
}

/** Values may hold `=` themselves. Names in lower case. */
function pairsOf(text: string): Map<string, string> {
  const pairs = text.split(';').filter((part) => part.includes('='));
  return new Map(
    pairs.map((part): [string, string] => {
      const split = part.indexOf('=');
      return [part.slice(0, split).trim().toLowerCase(), part.slice(split + 1).trim()];
    }),
  );
}

function emulator(settings: ReadonlyMap<string, string>): AzureConnection {
  const host = (settings.get('developmentstorageproxyuri') ?? 'http://127.0.0.1').replace(/\/+$/, '');
  const { account, key, port } = EMULATOR;
  const endpoint = `${host}:${port}/${account}`;
  checkEndpoint(endpoint);
  return { account, endpoint, key, signature: undefined };
}

function endpointOf(account: string | undefined, settings: ReadonlyMap<string, string>): string | undefined {
  if (account === undefined) return undefined;
  const suffix = settings.get('endpointsuffix') ?? 'core.windows.net';
  return `${settings.get('defaultendpointsprotocol') ?? 'https'}://${account}.blob.${suffix}`;
}

function checkEndpoint(endpoint: string): void {
  if (/^https?:\/\/[^\s?#@]+$/i.test(endpoint) && URL.canParse(endpoint)) return;
  throw invalid(
    'Its BlobEndpoint (or DefaultEndpointsProtocol, EndpointSuffix) gives no address; http(s)://<host>[:<port>][/<path>] is one.',
  );
}

function invalid(hint: string): AssetError {
  return new AssetError('CONFIG_INVALID', 'this is not a connection string of Azure Storage', { hint });
}
