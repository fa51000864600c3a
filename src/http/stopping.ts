import { setTimeout as sleep } from 'node:timers/promises';
import type { FastifyInstance, FastifyReply } from 'fastify';
import { AssetError } from '../core/errors.ts';

export interface StopOptions {
  /** For requests under way, in milliseconds. */
  grace: number;
  /** Aborted when the grace is over. */
  stopping: AbortController;
  /** Work that goes on although its client has gone. */
  underWay: ReadonlySet<Promise<unknown>>;
  refuse(reply: FastifyReply, error: AssetError): void;
  /** Writes what is still in memory. */
  finish(): Promise<void>;
}

/** After the grace: for work to end by itself, for the answers to go out, and for the last writes. */
const STEP_MILLISECONDS = 500;

/**
 * Refuses what comes once the server stops, and ends what is under way in steps, none of which waits without an end.
 * @returns stops the server
 */
export function stopInSteps(app: FastifyInstance, options: StopOptions): () => Promise<void> {
  const unanswered = new Set<FastifyReply>();
  let isStopping = false;
  app.addHook('onRequest', (_request, reply, done) => {
    unanswered.add(reply);
    reply.raw.once('close', () => unanswered.delete(reply));
    done(isStopping ? interrupted() : undefined);
  });
  app.addHook('onSend', (_request, reply, _payload, done) => {
    if (isStopping) reply.header('connection', 'close');
    done();
  });

  async function endSlowWork(signal: AbortSignal): Promise<void> {
    await sleep(options.grace, undefined, { signal });
    options.stopping.abort(interrupted());
    await sleep(STEP_MILLISECONDS, undefined, { signal });
    for (const reply of unanswered) if (!reply.sent) options.refuse(reply, interrupted());
    await sleep(STEP_MILLISECONDS, undefined, { signal });
    app.server.closeAllConnections();
  }

  return async () => {
    isStopping = true;
    const isOver = new AbortController();
    const allEnded = app.close().then(() => Promise.allSettled(options.underWay));
    await Promise.race([allEnded, endSlowWork(isOver.signal)]);
    isOver.abort();
    // What the last connections noted as they closed comes first.
    await new Promise(setImmediate);
    await withinStep(options.finish());
  };
}

async function withinStep(work: Promise<void>): Promise<void> {
  const isOver = new AbortController();
  await Promise.race([work, sleep(STEP_MILLISECONDS, undefined, { signal: isOver.signal })]);
  isOver.abort();
}

function interrupted(): AssetError {
  return new AssetError('INTERRUPTED', 'The server is stopping', { hint: 'Try again.' });
}
