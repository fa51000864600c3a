import type { IncomingMessage, ServerResponse } from 'node:http';
import type { FastifyInstance, FastifyReply } from 'fastify';
import type { ContentRules } from '../content/content.ts';
import { refuseDeclared } from './upload-form.ts';

/**
 * A client that has so little to say is heard to its end before it is answered: in the midst of its writing it might see
 * the connection end, and never the answer.
 */
const LARGEST_HEARD_OUT = 256 * 1024;
const LONGEST_HEARING_MILLISECONDS = 1000;

/**
 * A body is asked for when it will be read, and of a large one that was refused no more is read than has come. Once the
 * server ends what is under way, nobody is heard out.
 */
export function leaveRefusedBodies(app: FastifyInstance, rules: ContentRules, stopping: AbortSignal): void {
  const expecting = new WeakSet<IncomingMessage>();
  app.server.on('checkContinue', (request: IncomingMessage, response: ServerResponse) => {
    expecting.add(request);
    app.server.emit('request', request, response);
  });
  // Comes after the refusal of bad tokens.
  app.addHook('preParsing', (request, reply, _payload, done) => {
    if (expecting.delete(request.raw)) {
      refuseDeclared(request, rules);
      reply.raw.writeContinue();
    }
    done();
  });
  app.addHook('onSend', ({ raw }, reply, _payload, done) => {
    const { 'content-length': length, 'transfer-encoding': coding } = raw.headers;
    if (raw.complete || (length === undefined && coding === undefined)) done();
    else endUnread(raw, reply).then(() => done(), done);
  });

  async function endUnread(raw: IncomingMessage, reply: FastifyReply): Promise<void> {
    const { 'content-length': length, 'transfer-encoding': coding } = raw.headers;
    const isShort = coding === undefined && Number(length) <= LARGEST_HEARD_OUT;
    if (isShort && !stopping.aborted && !expecting.has(raw)) await hearOut(raw);
    // Node reads on for the next request unless the connection is to end.
    if (!raw.complete) reply.header('connection', 'close');
  }
}

function hearOut(raw: IncomingMessage): Promise<void> {
  return new Promise((resolve) => {
    const end = (): void => {
      clearTimeout(timer);
      resolve();
    };
    const timer = setTimeout(end, LONGEST_HEARING_MILLISECONDS);
    raw.once('end', end).once('close', end).resume();
  });
}
