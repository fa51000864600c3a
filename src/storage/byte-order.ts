/**
 * Orders strings as their UTF-8 bytes do (the order of every store's listing and of COLLATE "C").
 * UTF-16 order differs from it only where a surrogate, whose character is beyond all others, meets U+E000 to U+FFFF.
 * Names nothing that is outside of it: a thread is given its text.
 */
export function compareBytes(a: string, b: string): number {
  const length = Math.min(a.length, b.length);
  for (let index = 0; index < length; index += 1) {
    const left = a.charCodeAt(index);
    const right = b.charCodeAt(index);
    if (left === right) continue;
    const isLeftSurrogate = left >= 0xd800 && left < 0xe000;
    const isRightSurrogate = right >= 0xd800 && right < 0xe000;
    return isLeftSurrogate === isRightSurrogate ? left - right : isLeftSurrogate ? 1 : -1;
  }
  return a.length - b.length;
}
