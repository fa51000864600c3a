import { type Command, Option } from 'commander';
import { AssetError } from '../../core/errors.ts';
import type { MaxDelete } from '../../operations/removal/max-delete.ts';
import { parsedBy } from './values.ts';

export function addMaxDeleteOption(command: Command): Command {
  const description = 'stop before the first removal if more assets, or more of those in scope, would go';
  return command.addOption(new Option('--max-delete <n|n%>', description).argParser(parsedBy(parseMaxDelete)));
}

export function parseMaxDelete(text: string): MaxDelete {
  const match = /^(\d{1,12})(?:(\.\d{1,6})?(%))?$/.exec(text);
  const value = Number(`${match?.[1] ?? 'x'}${match?.[2] ?? ''}`);
  const isPercent = match?.[3] === '%';
  if (Number.isNaN(value) || (isPercent && value > 100)) {
    throw new AssetError('USAGE', `"${text}" is neither a number nor a share`, { hint: 'Write 500 or 5%.' });
  }
  return isPercent ? { kind: 'percent', percent: value } : { kind: 'count', count: value };
}
