import { formatSize } from '../../core/size.ts';

export interface MigrationProgress {
  /** What there is to move, content counted for each asset; nothing where that is not known yet. */
  expected: { count: number; bytes: number };
  /** Assets that have moved. */
  moved: number;
  /** Assets that stay where they are. */
  settled: number;
  /** Of what has moved, and of what is on its way. */
  bytes: number;
  failed: number;
  /** Objects that another run holds. */
  awaited: number;
  seconds: number;
}

const BAR_WIDTH = 20;
const SHORT_BAR_WIDTH = 8;
/** Before the text stands what turns. */
const SPINNER_WIDTH = 2;

/**
 * `████░░░░ 40% 400/1000 assets, 1.2 GiB of 3.1 GiB, 35 MiB/s, 2 min left, 3 failed`; the bar only on a terminal, and
 * there no more than fits into its columns.
 */
export function describeProgress(progress: MigrationProgress, columns: number | undefined): string {
  const { expected, moved, settled, bytes, failed, awaited, seconds } = progress;
  const done = moved + settled;
  const rate = `${formatSize(Math.round(bytes / Math.max(seconds, 0.001)))}/s`;
  const others =
    awaited > 0 ? [`waiting for what another run holds: ${awaited} ${awaited === 1 ? 'object' : 'objects'}`] : [];
  const notes = [...(failed > 0 ? [`${failed} failed`] : []), ...others];
  if (expected.count === 0) return [`${done} assets`, formatSize(bytes), rate, ...notes].join(', ');
  const share = shareOf(progress);
  const left = share > 0 ? [timeLeft((seconds / share) * (1 - share))] : [];
  const assets = `${Math.floor(share * 100)}% ${done}/${expected.count} assets`;
  const whole = [assets, `${formatSize(bytes)} of ${formatSize(expected.bytes)}`, rate, ...left, ...notes].join(', ');
  if (columns === undefined) return whole;
  const brief = `${bar(share, SHORT_BAR_WIDTH)} ${[assets, ...left, ...notes].join(', ')}`;
  const texts = [`${bar(share, BAR_WIDTH)} ${whole}`, `${bar(share, SHORT_BAR_WIDTH)} ${whole}`];
  return texts.find((text) => text.length + SPINNER_WIDTH < columns) ?? brief;
}

function bar(share: number, width: number): string {
  const filled = Math.floor(share * width);
  return '█'.repeat(filled) + '░'.repeat(width - filled);
}

/** By bytes: one large object takes as long as many small ones. What stays is taken to be of average size. */
function shareOf({ expected, moved, settled, bytes }: MigrationProgress): number {
  const share =
    expected.bytes === 0
      ? (moved + settled) / expected.count
      : (bytes + settled * (expected.bytes / expected.count)) / expected.bytes;
  return Math.min(1, share);
}

function timeLeft(seconds: number): string {
  if (seconds < 90) return `${Math.ceil(seconds)} s left`;
  return seconds < 5400 ? `${Math.ceil(seconds / 60)} min left` : `${Math.ceil(seconds / 3600)} h left`;
}
