import { type ClamdAnswer, isVerdict, readClamdAnswer } from './clamd-answer.ts';
import {
  type ClamdConnection,
  type ClamdConnectionOptions,
  ClamdFault,
  connectToClamd,
  type Pieces,
} from './clamd-connection.ts';
import { command, type Instream } from './instream.ts';

/** clamd is not kept waiting longer: each connection is one that others may want. */
const LONGEST_REST = 1000;

export interface ClamdSessions {
  /**
   * Has content judged on a connection that no other content is on.
   * @throws as ClamdConnection.ask
   */
  ask(content: Instream, signal?: AbortSignal): Promise<SessionReply>;
}

export interface SessionReply {
  answer: ClamdAnswer;
  allSent: boolean;
}

interface Session {
  connection: ClamdConnection;
  questions: number;
  /** Since when it rests. */
  since: number;
}

/**
 * Connections that stand for one question after the other (clamd's IDSESSION): to connect costs about as much as to send
 * a content of 100 KiB. Never two questions at once on one, so that a failure concers one content alone.
 */
export function clamdSessions(options: ClamdConnectionOptions): ClamdSessions {
  /** The one that rests longest comes first. */
  const resting: Session[] = [];
  let closing: NodeJS.Timeout | undefined;

  function ask(content: Instream, signal?: AbortSignal): Promise<SessionReply> {
    return askIn(takeRested() ?? begin(), content, signal);
  }

  function begin(): Session {
    return { connection: connectToClamd(options), questions: 0, since: 0 };
  }

  function rest(session: Session): void {
    session.connection.rest();
    session.since = performance.now();
    resting.push(session);
    closeLater(LONGEST_REST);
  }

  /** One timer for all: in bulk each rests for a moment only. */
  function closeLater(delay: number): void {
    if (closing !== undefined) return;
    closing = setTimeout(closeRested, delay);
    closing.unref();
  }

  function closeRested(): void {
    closing = undefined;
    const now = performance.now();
    const stillResting = resting.findIndex(({ since }) => now - since < LONGEST_REST);
    const closed = resting.splice(0, stillResting === -1 ? resting.length : stillResting);
    for (const { connection } of closed) connection.close();
    const [oldest] = resting;
    if (oldest !== undefined) closeLater(oldest.since + LONGEST_REST - now);
  }

  function takeRested(): Session | undefined {
    let session = resting.pop();
    while (session !== undefined && !session.connection.isOpen()) session = resting.pop();
    return session;
  }

  async function askIn(session: Session, content: Instream, signal: AbortSignal | undefined): Promise<SessionReply> {
    const { connection } = session;
    const hadRested = session.questions > 0;
    session.questions += 1;
    try {
      const pieces = content.open();
      const text = await connection.ask(hadRested ? pieces : inSession(pieces), signal);
      const allSent = connection.wasAllSent();
      const answer = readClamdAnswer(answerTo(session.questions, text));
      if (allSent && isVerdict(answer)) {
        rest(session);
      } else connection.close();
      return { answer, allSent };
    } catch (error) {
      connection.close();
      // clamd may end what rests, for reasons that do not concern this content.
      if (hadRested && error instanceof ClamdFault && error.kind === 'cut') return askIn(begin(), content, signal);
      throw error;
    }
  }

  return { ask };
}

function inSession(pieces: Pieces): Pieces {
  const begin = command('IDSESSION');
  return Symbol.asyncIterator in pieces ? following(begin, pieces) : [begin, ...pieces];
}

async function* following(begin: Uint8Array, pieces: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  yield begin;
  yield* pieces;
}

/** Answers bear the number of their question: one to another is none. clamd's failures may be of no question. */
function answerTo(question: number, text: string): string {
  const prefix = `${question}: `;
  if (text.startsWith(prefix)) return text.slice(prefix.length);
  if (text.endsWith(' ERROR')) return text;
  throw new ClamdFault('garbled', 'its answer is to another question');
}
