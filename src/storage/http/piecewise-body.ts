export interface PiecewiseBody {
  /** Where the next bytes belong; undefined at the end of the body, and where there is no memory for a piece now. */
  room(): Buffer | undefined;
  /** Copies what was not read to where it belongs. */
  take(bytes: Buffer): void;
}

/** Cuts a body of `length` bytes into the pieces of memory that it is given. What no piece is left for is cut as it came. */
export function piecewiseBody(
  length: number,
  pieces: () => Buffer | undefined,
  push: (chunk: Buffer) => void,
): PiecewiseBody {
  let left = length;
  let piece: Buffer | undefined;
  let filled = 0;

  function room(): Buffer | undefined {
    if (left === 0) return undefined;
    piece ??= pieces();
    return piece?.subarray(filled, filled + left);
  }

  function take(bytes: Buffer): void {
    for (let rest = bytes; rest.byteLength > 0; ) {
      const free = room() ?? Buffer.allocUnsafeSlow(rest.byteLength);
      const isInPlace = rest.buffer === free.buffer && rest.byteOffset === free.byteOffset;
      const count = isInPlace ? rest.byteLength : rest.copy(free);
      rest = rest.subarray(count);
      left -= count;
      if (piece === undefined) push(free);
      else fill(piece, count);
    }
  }

  function fill(current: Buffer, count: number): void {
    filled += count;
    if (filled < current.byteLength && left > 0) return;
    piece = undefined;
    const full = current.subarray(0, filled);
    filled = 0;
    push(full);
  }

  return { room, take };
}
