/** What clamd says about content. `unexamined`: it did not look at all of it, or could not. */
export type ClamdJudgement =
  | { kind: 'clean' }
  | { kind: 'infected'; signature: string }
  | { kind: 'unexamined'; reason: string };

/** What an answer to INSTREAM means. `failure`: a trouble of its own, which may pass. Anything else is no answer at all. */
export type ClamdAnswer = ClamdJudgement | { kind: 'failure'; message: string } | { kind: 'garbled' };

/** Alerts that say that content was skipped: limits (AlertExceedsMax) and what only its owner can open (AlertEncrypted). */
const NOT_EXAMINED = /^Heuristics\.(?:Limits\.Exceeded|Encrypted)\b/;

/** With ExtendedDetectionInfo clamd adds `(<md5>:<size>)`. */
const DETECTION_INFO = /\([0-9a-f]{32}:\d+\)$/;

/** clamd's words for CL_EMAXREC, CL_EMAXSIZE, CL_EMAXFILES, CL_ETIMEOUT where they end a scan. */
const LIMIT_ERROR = /limit (?:reached|exceeded)|exceeded (?:time|size|recursion|files) limit/i;

/** Only an exact OK is clean. */
export function readClamdAnswer(text: string): ClamdAnswer {
  if (text === 'stream: OK') return { kind: 'clean' };
  const found = /^stream: ([\x21-\x7e][\x20-\x7e]{0,255}) FOUND$/.exec(text)?.[1];
  if (found !== undefined) return ofSignature(found.replace(DETECTION_INFO, ''));
  if (text === 'INSTREAM size limit exceeded. ERROR') return OVER_STREAM_LIMIT;
  const message = /^([\x20-\x7e]{1,255}) ERROR$/.exec(text)?.[1];
  if (message === undefined) return { kind: 'garbled' };
  return LIMIT_ERROR.test(message) ? unexamined(message.replace(/^stream: /, '')) : { kind: 'failure', message };
}

export function isVerdict({ kind }: ClamdAnswer): boolean {
  return kind === 'clean' || kind === 'infected';
}

export const OVER_STREAM_LIMIT: ClamdJudgement = {
  kind: 'unexamined',
  reason: 'not examined: larger than StreamMaxLength of clamd',
};

function ofSignature(signature: string): ClamdAnswer {
  return NOT_EXAMINED.test(signature) ? unexamined(signature) : { kind: 'infected', signature };
}

function unexamined(how: string): ClamdAnswer {
  return { kind: 'unexamined', reason: `not fully examined: ${how}` };
}
