/** A time of the catalog for eyes: `2026-11-24 19:17` in UTC, or a dash. */
export function shortTime(iso: string | null): string {
  return iso === null ? '-' : `${iso.slice(0, 10)} ${iso.slice(11, 16)}`;
}
