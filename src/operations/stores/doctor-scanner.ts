import { AssetError } from '../../core/errors.ts';
import { formatSize } from '../../core/size.ts';
import type { ScannerReport } from '../../scan/scanner.ts';
import type { OperationContext } from '../context.ts';
import { type DoctorCheck, failedCheck, ok } from './doctor-check.ts';

/** freshclam has new signatures every day. */
const OLD_SIGNATURES_MILLISECONDS = 7 * 86_400_000;

/** Asks the virus scanner what it is, and finds out what it takes. */
export async function* checkScanner(context: OperationContext): AsyncGenerator<DoctorCheck> {
  const { mode, scanner } = context.scanning;
  if (mode === 'off') {
    yield ok('scanner', 'not asked at uploads: scan.mode is off');
    return;
  }
  try {
    const report = await (await scanner()).inspect(context.rules.maxFileSize, context.signal);
    yield ok('scanner', `${report.engine}, ${signaturesOf(report)}; scan.mode is ${mode}`);
    yield* checkSignatures(report, new Date());
    yield* checkLimit(context, report);
    yield* checkAlerts(mode, report);
  } catch (error) {
    if (context.signal.aborted) return;
    yield unreachable(error, context.scanning);
  }
}

/** Where no verdict is required, a scanner that is away is no error; where none was asked for, no surprise either. */
function unreachable(error: unknown, { mode, expected }: OperationContext['scanning']): DoctorCheck {
  const check = failedCheck('scanner', error);
  if (!(error instanceof AssetError)) return check;
  if (mode === 'required') {
    return error.code === 'SCANNER_UNAVAILABLE'
      ? { ...check, hint: 'Start clamd there, or set scan.clamd to where it listens.' }
      : check;
  }
  const { name, message } = check;
  if (!expected) return ok(name, `none answers, and none is configured: files are stored as PENDING (${message})`);
  const hint = 'Files are stored as PENDING. Start clamd, or set scan.mode to off: docs/scanning.md';
  return { name, status: 'warning', message, hint };
}

function signaturesOf({ signatureVersion, signatureDate }: ScannerReport): string {
  if (signatureVersion === null) return 'signatures without a number';
  return `signatures ${signatureVersion}${signatureDate === null ? '' : ` of ${signatureDate}`}`;
}

function* checkSignatures({ signatureDate }: ScannerReport, now: Date): Generator<DoctorCheck> {
  const made = signatureDate === null ? Number.NaN : Date.parse(signatureDate);
  if (Number.isNaN(made) || now.getTime() - made <= OLD_SIGNATURES_MILLISECONDS) return;
  const days = Math.floor((now.getTime() - made) / 86_400_000);
  const message = `are ${days} days old`;
  yield { name: 'scanner signatures', status: 'warning', message, hint: 'Let freshclam keep them up to date.' };
}

/** clamd's own limit, as it was seen to be, against the largest file that is stored. */
function* checkLimit({ rules, scanning }: OperationContext, report: ScannerReport): Generator<DoctorCheck> {
  // What it takes but does not look at, it would not tell.
  if (report.sizeLimit === null && !report.reportsExceededLimits) return;
  const largest = formatSize(rules.maxFileSize);
  if (report.sizeLimit === null) {
    yield ok('scanner limit', `takes and examines files of limits.maxFileSize (${largest})`);
    return;
  }
  const fate = scanning.mode === 'required' ? 'are refused' : 'stay PENDING';
  yield {
    name: 'scanner limit',
    status: 'warning',
    message: `takes and examines up to ${formatSize(report.sizeLimit)}; files beyond that, up to ${largest}, ${fate}`,
    hint: `In clamd.conf set StreamMaxLength, MaxFileSize and MaxScanSize to ${largest} or more, or lower limits.maxFileSize.`,
  };
}

/** Where a verdict is required, nothing at all could be stored. */
function* checkAlerts(
  mode: OperationContext['scanning']['mode'],
  { reportsExceededLimits }: ScannerReport,
): Generator<DoctorCheck> {
  if (reportsExceededLimits) return;
  const name = 'scanner alerts';
  const message = 'does not tell when content exceeds its limits, so that no file can be CLEAN';
  const hint = 'Add "AlertExceedsMax yes" to clamd.conf and restart clamd.';
  if (mode !== 'required') yield { name, status: 'warning', message, hint };
  else
    yield { name, status: 'error', message: `${message}, and every upload is refused`, hint, code: 'CONFIG_INVALID' };
}
