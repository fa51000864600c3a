/** A connection that failed, by the code that Node gives failures of its kind. */
export function transportFailure(
  code: 'ETIMEDOUT' | 'ECONNRESET' | 'EBADMSG' | 'EPROTONOSUPPORT',
  message: string,
): Error & { code: string } {
  return Object.assign(new Error(message), { code });
}
