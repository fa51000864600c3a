import pLimit from 'p-limit';
import type { FoundVerdict, KnownVerdict } from '../../catalog/catalog.ts';
import type { Content } from '../../content/content.ts';
import type { BodySource } from '../../core/body.ts';
import { AssetError } from '../../core/errors.ts';
import { escapeForTerminal } from '../../core/terminal-text.ts';
import type { OperationContext } from '../context.ts';
import { treatInfected } from '../scan/infected-content.ts';
import { gracePeriod } from '../stopping.ts';
import { infected } from './upload-bytes.ts';
import type { PreparationFailure, PreparedFile } from './upload-request.ts';

/** What one upload has learned of the scanner, and of contents. */
export interface UploadScans {
  /** false: nothing is written down (`--dry-run`). */
  records: boolean;
  /** It did not answer; until then (performance.now()) no file waits for it again. */
  away?: { until: number; error: AssetError };
  told: boolean;
}

export function startScans(records: boolean): UploadScans {
  return { records, told: false };
}

const ASK_AGAIN_MILLISECONDS = 30_000;

export type Known = ReadonlyMap<string, KnownVerdict>;

/** Bytes to judge: what is stored, and of a transformed image also what came in, which holds more than its pixels. */
interface Form {
  sha256: string;
  body: BodySource;
}

function formsOf({ original, untransformed, sha256, body }: Content): Form[] {
  const stored = { sha256, body };
  const isOther = original !== undefined && untransformed !== undefined && original.sha256 !== sha256;
  return isOther ? [{ sha256: original.sha256, body: untransformed }, stored] : [stored];
}

/** The verdicts that these contents have already, in either form. */
export async function knownVerdicts(context: OperationContext, files: readonly PreparedFile[]): Promise<Known> {
  const catalog = await context.catalog();
  const hashes = new Set(files.flatMap(({ content }) => formsOf(content).map(({ sha256 }) => sha256)));
  return catalog.verdicts.known(context.identity.organization, [...hashes]);
}

/** Content that is known as infected is refused in every mode. */
export function refuseKnown({ source, content }: PreparedFile, known: Known): PreparationFailure | undefined {
  const verdict = formsOf(content)
    .map(({ sha256 }) => known.get(sha256))
    .find((each) => each?.status === 'INFECTED');
  if (verdict === undefined) return undefined;
  return { source, error: infected(verdict.result ?? 'unknown signature') };
}

/**
 * Has contents judged that have no verdict yet, each once, several at once, before anything is stored. Files come back
 * with the verdict on what is stored, or with the reason why they are refused.
 */
export async function scanFiles(
  context: OperationContext,
  scans: UploadScans,
  files: readonly PreparedFile[],
  known: Known,
  concurrency: number,
): Promise<(PreparedFile | PreparationFailure)[]> {
  // The forms of one file take their turns anyway.
  const limit: Asking = files.length > 1 ? pLimit(concurrency) : (work) => work();
  const verdicts = new Map<string, Promise<FoundVerdict | undefined>>();
  const verdictOf = (form: Form): Promise<FoundVerdict | undefined> => {
    const earlier = verdicts.get(form.sha256);
    if (earlier !== undefined) return earlier;
    const verdict = limit(() => ask(context, scans, form));
    verdicts.set(form.sha256, verdict);
    return verdict;
  };
  return Promise.all(
    files.map(async (file): Promise<PreparedFile | PreparationFailure> => {
      let stored: FoundVerdict | undefined;
      try {
        for (const form of formsOf(file.content)) {
          if (known.get(form.sha256)?.status === 'CLEAN') continue;
          const found = await verdictOf(form);
          if (found !== undefined) refuseUnfit(context, file, form, found);
          if (form.sha256 === file.content.sha256) stored = found;
        }
      } catch (error) {
        return { source: file.source, error };
      }
      return stored === undefined ? file : { ...file, verdict: stored };
    }),
  );
}

type Asking = (work: () => Promise<FoundVerdict | undefined>) => Promise<FoundVerdict | undefined>;

/** @throws AssetError VIRUS_FOUND; where a verdict is required NOT_SCANNABLE */
function refuseUnfit(context: OperationContext, file: PreparedFile, { sha256 }: Form, found: FoundVerdict): void {
  if (found.status === 'INFECTED') throw virusFound(file, sha256, found);
  if (found.status === 'PENDING' && context.scanning.mode === 'required') throw notScannable(file, found);
}

/**
 * undefined: there is no verdict, and none is required.
 * @throws AssetError SCANNER_UNAVAILABLE where one is
 */
async function ask(context: OperationContext, scans: UploadScans, form: Form): Promise<FoundVerdict | undefined> {
  if (context.scanning.mode === 'off') return undefined;
  const { away } = scans;
  if (away !== undefined && performance.now() < away.until) return withoutScanner(context, scans, away.error);
  const asked = performance.now();
  try {
    const scanner = await context.scanning.scanner();
    const { status, result, signatureVersion } = await scanner.scan(form.body, { signal: gracePeriod(context.signal) });
    const found = { status, result, signatureVersion };
    return status === 'INFECTED' ? await noteInfected(context, scans, form, found) : found;
  } catch (error) {
    if (!(error instanceof AssetError) || error.code !== 'SCANNER_UNAVAILABLE') throw error;
    scans.away = { until: askAgainAt(asked, performance.now()), error };
    return withoutScanner(context, scans, error);
  }
}

/** Most of the time goes into the work, however long it takes to find out that there is no answer. */
function askAgainAt(asked: number, failed: number): number {
  return failed + Math.max(ASK_AGAIN_MILLISECONDS, 10 * (failed - asked));
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
  { sha256 }: Form,
  verdict: FoundVerdict,
): Promise<FoundVerdict> {
  if (!scans.records) return verdict;
  const { identity, audit } = context;
  const catalog = await context.catalog();
  const key = { organizationId: identity.organization, sha256 };
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

function virusFound({ source }: PreparedFile, sha256: string, { result }: FoundVerdict): AssetError {
  const signature = result ?? 'unknown signature';
  return new AssetError('VIRUS_FOUND', `${escapeForTerminal(source.name)} is infected: ${signature}`, {
    hint: 'It was not stored.',
    details: { signature, sha256 },
  });
}

function notScannable({ source }: PreparedFile, { result }: FoundVerdict): AssetError {
  return new AssetError('NOT_SCANNABLE', `${escapeForTerminal(source.name)} cannot be scanned whole: ${result}`, {
    hint: 'scan.mode is required, so it was not stored. Raise the limits of clamd: asset-cli doctor says which.',
  });
}
