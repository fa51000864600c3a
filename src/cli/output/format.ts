import { AssetError } from '../../core/errors.ts';

/** What every command can print; `csv` only where a command says so. */
export const BASE_FORMATS = ['text', 'json', 'jsonl'] as const;
export const TABULAR_FORMATS = [...BASE_FORMATS, 'csv'] as const;
export const STATISTICS_FORMATS = [...BASE_FORMATS, 'prometheus'] as const;
export type Format = (typeof TABULAR_FORMATS)[number] | (typeof STATISTICS_FORMATS)[number];

/**
 * Decides the format from `--json`, `--format` and the environment, in this order.
 * @throws AssetError USAGE if this command does not have it
 */
export function chooseFormat(
  chosen: { json?: boolean; format?: string; environment?: string },
  offered: readonly Format[],
): Format {
  const { json, format, environment } = chosen;
  if (json === true && format !== undefined && format !== 'json') {
    throw new AssetError('USAGE', `--json and --format ${format} contradict each other`, { hint: 'Give one of them.' });
  }
  if (json === true) return 'json';
  if (format !== undefined) return offeredFormat(format, offered, '--format');
  if (environment === undefined || environment === '') return 'text';
  return offeredFormat(environment, offered, 'ASSET_CLI_FORMAT');
}

function offeredFormat(text: string, offered: readonly Format[], origin: string): Format {
  const format = offered.find((each) => each === text);
  if (format !== undefined) return format;
  throw new AssetError('USAGE', `${origin}: "${text}" is not a format of this command`, {
    hint: `It has ${offered.join(', ')}.`,
  });
}
