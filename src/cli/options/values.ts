import { InvalidArgumentError, type Option } from 'commander';
import { AssetError } from '../../core/errors.ts';

/** Lets a parser of core refuse an option's value in commander's own words. */
export function parsedBy<T>(parse: (text: string) => T): (text: string) => T {
  return (text) => {
    try {
      return parse(text);
    } catch (error) {
      if (!(error instanceof AssetError)) throw error;
      throw new InvalidArgumentError(
        error.hint === undefined ? `${error.message}.` : `${error.message}. ${error.hint}`,
      );
    }
  };
}

/** A whole number of at least `least`. */
export function wholeNumber(least: number): (text: string) => number {
  return (text) => {
    const value = /^\d{1,15}$/.test(text) ? Number(text) : Number.NaN;
    if (!(value >= least)) throw new InvalidArgumentError(`Give a whole number of at least ${least}.`);
    return value;
  };
}

/** Gathers `k=v` of a repeatable option. */
export function collectTag(text: string, tags: Record<string, string> = {}): Record<string, string> {
  const equals = text.indexOf('=');
  if (equals < 1) throw new InvalidArgumentError('Write key=value.');
  const key = text.slice(0, equals);
  if (Object.hasOwn(tags, key)) throw new InvalidArgumentError(`A tag has one value: give ${key} once.`);
  return { ...tags, [key]: text.slice(equals + 1) };
}

/** Gathers the values of a repeatable option. */
export function collectText(text: string, earlier: readonly string[] = []): string[] {
  return [...earlier, text];
}

const suggestions = new WeakMap<Option, readonly string[]>();

/** Values that shell completion offers for an option that takes others too. */
export function suggest(option: Option, values: readonly string[]): Option {
  suggestions.set(option, values);
  return option;
}

export function suggestedValues(option: Option): readonly string[] {
  return option.argChoices ?? suggestions.get(option) ?? [];
}
