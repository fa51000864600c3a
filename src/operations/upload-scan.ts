import pLimit from 'p-limit';
import type { FoundVerdict, KnownVerdict } from '../catalog/catalog.ts';
import type { Content, Untransformed } from '../content/content.ts';
import { AssetError } from '../core/errors.ts';
import { escapeForTerminal } from '../core/terminal-text.ts';
import type { Scanner } from '../scan/scanner.ts';
import type { OperationContext } from './context.ts';
import { treatInfected } from './infected-content.ts';
import { gracePeriod } from './stopping.ts';
import { infected } from './upload-bytes.ts';
import type { PreparationFailure, PreparedFile } from './upload-request.ts';

/** What one upload has learned of the scanner, and of contents. */
export interface UploadScans {
  /** false: nothing is written down (`--dry-run`). */
  records: boolean;
  /** It did not answer at this time (performance.now()); it is not waited for again at every file. */
  away?: { since: number; error: AssetError };
  told: boolean;
}

export function startScans(records: boolean): UploadScans {
  return { records, told: false };
}

const ASK_AGAIN_MILLISECONDS = 30_000;

export type Known = ReadonlyMap<string, KnownVerdict>;

/** The verdicts that these contents have already. */
export async function knownVerdicts(context: OperationContext, files: readonly PreparedFile[]): Promise<Known> {
  const catalog = await context.catalog();
  const hashes = new Set(files.map(({ content }) => content.sha256));
  return catalog.verdicts.known(context.identity.organization, [...hashes]);
}

/** Content that is known as infected is refused in every mode. */
export function refuseKnown({ source, content }: PreparedFile, known: Known): PreparationFailure | undefined {
  const verdict = known.get(content.sha256);
  if (verdict?.status !== 'INFECTED') return undefined;
  return { source, error: infected(verdict.result ?? 'unknown signature') };
}

/**
 * Has contents judged that have no verdict yet, each once, several at once, before anything is stored. Files come back
 * with their verdict, or with the reason why they are refused.
 */
export async function scanFiles(
  context: OperationContext,
  scans: UploadScans,
  files: readonly PreparedFile[],
  known: Known,
  concurrency: number,
): Promise<(PreparedFile | PreparationFailure)[]> {
  const limit = pLimit(concurrency);
  const verdicts = new Map<string, Promise<FoundVerdict | undefined>>();
  const verdictOf = (file: PreparedFile): Promise<FoundVerdict | undefined> => {
    const { sha256 } = file.content;
    const earlier = verdicts.get(sha256);
    if (earlier !== undefined) return earlier;
    const verdict = limit(() => judge(context, scans, file));
    verdicts.set(sha256, verdict);
    return verdict;
  };
  return Promise.all(
    files.map(async (file): Promise<PreparedFile | PreparationFailure> => {
      if (known.get(file.content.sha256)?.status === 'CLEAN') return file;
      try {
        const verdict = await verdictOf(file);
        return verdict === undefined ? file : { ...file, verdict };
      } catch (error) {
        return { source: file.source, error };
      }
    }),
  );
}

/**
 * undefined: it is stored as PENDING.
 * @throws AssetError VIRUS_FOUND; where a verdict is required NOT_SCANNABLE, SCANNER_UNAVAILABLE
 */
async function judge(
  context: OperationContext,
  scans: UploadScans,
  file: PreparedFile,
): Promise<FoundVerdict | undefined> {
  const { mode } = context.scanning;
  if (mode === 'off') return undefined;
  const found = await ask(context, scans, file);
  if (found === undefined) return undefined;
  const verdict = found.status === 'INFECTED' ? await noteInfected(context, scans, file, found) : found;
  if (verdict.status === 'INFECTED') throw virusFound(file, verdict);
  if (verdict.status === 'PENDING' && mode === 'required') throw notScannable(file, verdict);
  return verdict;
}

/** undefined: no scanner answers, and none is required. */
async function ask(
  context: OperationContext,
  scans: UploadScans,
  { content }: PreparedFile,
): Promise<FoundVerdict | undefined> {
  const { away } = scans;
  if (away !== undefined && performance.now() - away.since < ASK_AGAIN_MILLISECONDS) {
    return withoutScanner(context, scans, away.error);
  }
  try {
    const scanner = await context.scanning.scanner();
    return await scanEachForm(scanner, content, gracePeriod(context.signal));
  } catch (error) {
    if (!(error instanceof AssetError) || error.code !== 'SCANNER_UNAVAILABLE') throw error;
    scans.away = { since: performance.now(), error };
    return withoutScanner(context, scans, error);
  }
}

/** What came in and what is stored, where these differ: one that is not CLEAN speaks for both. */
async function scanEachForm(scanner: Scanner, content: Content, signal: AbortSignal): Promise<FoundVerdict> {
  const { untransformed } = content;
  if (untransformed !== undefined) {
    const before = await scanForm(scanner, untransformed, signal);
    if (before.status !== 'CLEAN') return before;
  }
  return scanForm(scanner, content, signal);
}

async function scanForm(
  scanner: Scanner,
  { body, mimeType }: Untransformed,
  signal: AbortSignal,
): Promise<FoundVerdict> {
  const { status, result, signatureVersion } = await scanner.scan(body, { mimeType, signal });
  return { status, result, signatureVersion };
}

function withoutScanner(context: OperationContext, scans: UploadScans, error: AssetError): undefined {
  if (context.scanning.mode === 'required') throw error;
  if (scans.told || !context.scanning.expected) return;
  scans.told = true;
  context.warn(`files are stored as PENDING, not scanned for viruses: ${error.message}`);
}

/** Written down for every asset that has this content already; their bytes leave their keys at once. */
async function noteInfected(
  context: OperationContext,
  scans: UploadScans,
  { content }: PreparedFile,
  verdict: FoundVerdict,
): Promise<FoundVerdict> {
  if (!scans.records) return verdict;
  const { identity, audit } = context;
  const catalog = await context.catalog();
  const key = { organizationId: identity.organization, sha256: content.sha256 };
  const [recorded] = await catalog.verdicts.record(identity, [{ ...key, verdict, onInfected: 'quarantine' }], audit);
  if (recorded?.kind !== 'recorded') return verdict;
  if (recorded.verdict.status !== 'INFECTED' || recorded.assetIds.length === 0) return recorded.verdict;
  const signature = recorded.verdict.result ?? 'unknown signature';
  const treatment = await treatInfected(context, { ...key, wanted: 'quarantine', signature });
  if (treatment.kind === 'failed') {
    context.warn(`assets with infected content are quarantined later: ${treatment.failure.message}`);
  }
  return recorded.verdict;
}

function virusFound({ source, content }: PreparedFile, { result }: FoundVerdict): AssetError {
  const signature = result ?? 'unknown signature';
  return new AssetError('VIRUS_FOUND', `${escapeForTerminal(source.name)} is infected: ${signature}`, {
    hint: 'It was not stored.',
    details: { signature, sha256: content.sha256 },
  });
}

function notScannable({ source }: PreparedFile, { result }: FoundVerdict): AssetError {
  return new AssetError('NOT_SCANNABLE', `${escapeForTerminal(source.name)} cannot be scanned whole: ${result}`, {
    hint: 'scan.mode is required, so it was not stored. Raise the limits of clamd: asset-cli doctor says which.',
  });
}
