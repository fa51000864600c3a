import type { ScanStatus } from '../core/asset.ts';
import type { BodySource } from '../core/body.ts';

/** What a scanner found. CLEAN only if all of the content was examined and nothing was found in it. */
export interface ScanVerdict {
  status: ScanStatus;
  /** INFECTED: the signature's name. PENDING: why the content was not fully examined. CLEAN: null. */
  result: string | null;
  /** Number of the signature database that judged (or of an older one, never of a newer); null if it has none. */
  signatureVersion: string | null;
  scannedAt: Date;
}

/** Bytes that a scanner may need before a content and behind it, to send it in one piece. */
export const SCAN_MARGIN = 32;

export interface ScanOptions {
  signal?: AbortSignal;
  /** The body's bytes have SCAN_MARGIN bytes of memory before and behind them that the scanner may write to. */
  hasMargin?: boolean;
}

export interface ScannerVersion {
  /** As the scanner calls itself: `ClamAV 1.4.6`. */
  engine: string;
  /** Null: signatures of its owner alone, which bear no number. */
  signatureVersion: string | null;
  /** As the scanner writes it. */
  signatureDate: string | null;
}

export interface ScannerReport extends ScannerVersion {
  /** The largest content in bytes that it takes and examines, in whole MiB; null: all that was asked for. */
  sizeLimit: number | null;
  /** Whether it tells when content exceeds its own limits; if not, its OK means nothing. */
  reportsExceededLimits: boolean;
}

export interface Scanner {
  /**
   * Judges content, several at once. The body is read whole and ends as it always does, so that a file that
   * changed since its fingerprint has no verdict.
   * @throws AssetError SCANNER_UNAVAILABLE when there is no usable answer, retries included; the body's own
   *   errors (FILE_CHANGED); what aborted the signal
   */
  scan(body: BodySource, options?: ScanOptions): Promise<ScanVerdict>;

  /**
   * What judges now, or did a minute ago.
   * @throws AssetError SCANNER_UNAVAILABLE
   */
  version(signal?: AbortSignal): Promise<ScannerVersion>;

  /**
   * Finds out how this scanner is configured, for doctor: does it take content of `largest` bytes?
   * @throws AssetError SCANNER_UNAVAILABLE
   */
  inspect(largest: number, signal?: AbortSignal): Promise<ScannerReport>;
}
