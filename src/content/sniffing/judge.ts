import { AssetError } from '../../core/errors.ts';
import { escapeForTerminal } from '../../core/terminal-text.ts';
import type { ContentRules } from '../content.ts';
import { describeType, type KnownType, knownTypeOfExtension } from './known-types.ts';
import { type DetectedType, extensionOf, UNKNOWN_TYPE } from './sniff.ts';

/**
 * Refuses content whose type contradicts the extension of its name, or is not allowed.
 * @throws AssetError TYPE_MISMATCH, TYPE_NOT_ALLOWED
 */
export function judgeType(name: string, detected: DetectedType, rules: ContentRules): void {
  const claimed = knownTypeOfExtension(extensionOf(name));
  const { mimeType } = detected;
  const agrees =
    claimed === undefined || claimed.mimeType === mimeType || (claimed.alsoAccepts ?? []).includes(mimeType);
  if (!agrees) {
    throw new AssetError(
      'TYPE_MISMATCH',
      `${escapeForTerminal(name)} is ${describeType(mimeType)}, but its name claims ${describeType(claimed.mimeType)}`,
      { hint: mismatchHint(detected, claimed), details: { mimeType, claimedMimeType: claimed.mimeType } },
    );
  }
  if (rules.allowedMimeTypes.has(mimeType)) return;
  throw new AssetError(
    'TYPE_NOT_ALLOWED',
    `${escapeForTerminal(name)} is ${describeType(mimeType)}, which is not allowed`,
    {
      hint: `To accept this type, add "${mimeType}" to limits.allowedMimeTypes in the configuration.`,
      details: { mimeType },
    },
  );
}

function mismatchHint(detected: DetectedType, claimed: KnownType): string {
  if (detected.mimeType === UNKNOWN_TYPE) {
    return claimed.textByName === true
      ? 'Text must be valid UTF-8, or UTF-16 with a byte order mark, without NUL: convert it, for example with iconv.'
      : 'Check that the file is whole and what it is.';
  }
  if (detected.mimeType === 'text/plain' || detected.extension === undefined) {
    return 'Check what the file is, and give it the name that fits (--name for standard input).';
  }
  return `If that is what it should be, give it a name that ends in .${detected.extension} (--name for standard input).`;
}

/** With its dot: the detected type's own, else the name's if it is `[a-z0-9]{1,10}`, else empty. */
export function storedExtension(name: string, detected: DetectedType): string {
  const extension = detected.extension ?? extensionOf(name);
  return /^[a-z0-9]{1,10}$/.test(extension) ? `.${extension}` : '';
}
