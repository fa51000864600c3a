import type { LineVerdict } from '../../operations/verify/verify-manifest.ts';
import type { Invocation } from '../command.ts';
import { reportRun } from './runs.ts';
import type { Column } from './table.ts';

type Good = Exclude<LineVerdict, { kind: 'wrong' }>;

/** Shows what became of each line of a manifest, and returns the exit status: 10 if one is wrong. */
export function reportVerdicts(invocation: Invocation, verdicts: AsyncIterable<LineVerdict>): Promise<number> {
  const score = { checked: 0, same: 0, deleted: 0, wrong: 0, bytes: 0 };
  async function* counted(): AsyncGenerator<LineVerdict> {
    for await (const verdict of verdicts) {
      score.checked += 1;
      score[verdict.kind] += 1;
      if (verdict.kind === 'same') score.bytes += verdict.bytes;
      yield verdict;
    }
  }
  const describe = () => {
    const { checked, same, deleted, wrong } = score;
    return `${checked} checked: ${same} same, ${deleted} deleted since, ${wrong} wrong`;
  };
  return reportRun<LineVerdict, Good>(invocation, counted(), {
    shape: {
      listName: 'lines',
      toJson: ({ kind, ...verdict }) => ({ verdict: kind, ...verdict }),
      columns: COLUMNS,
    },
    toItem: (verdict) => {
      if (verdict.kind !== 'wrong') return { item: verdict };
      return { subject: verdict.id, identity: { id: verdict.id, verdict: 'wrong' }, failure: verdict.failure };
    },
    count: () => undefined,
    summary: (failed) => ({ ...score, failed }),
    describe,
  });
}

const COLUMNS: readonly Column<Good>[] = [
  {
    header: 'ID',
    value: ({ id }) => id,
    width: 36,
    short: { below: 100, width: 8, value: ({ id }) => id.slice(0, 8) },
  },
  { header: 'VERDICT', value: ({ kind }) => (kind === 'same' ? 'same' : 'deleted since'), width: 13 },
  { header: 'WHERE, OR BY WHOM', value: detailOf, width: 30, flexible: true },
];

function detailOf(verdict: Good): string {
  if (verdict.kind === 'same') return verdict.place;
  const { id, time, actor } = verdict.event;
  return `${time} by ${actor ?? '-'} (event ${id})`;
}
