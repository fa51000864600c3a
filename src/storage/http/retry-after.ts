/** Milliseconds to wait as the Retry-After header says: a number of seconds, or a date. */
export function retryAfterOf(headers: Readonly<Record<string, string>>): { retryAfterMilliseconds?: number } {
  const value = headers['retry-after'];
  if (value === undefined) return {};
  const milliseconds = /^\d+$/.test(value) ? Number(value) * 1000 : Date.parse(value) - Date.now();
  return Number.isFinite(milliseconds) ? { retryAfterMilliseconds: Math.max(0, milliseconds) } : {};
}
