import type { IncomingMessage, ServerResponse } from 'node:http';
import type { FastifyInstance } from 'fastify';
import type { ContentRules } from '../content/content.ts';
import { refuseDeclared } from './upload-form.ts';

/** A body is asked for when it will be read, and of one that was refused no more is read than has come. */
export function leaveRefusedBodies(app: FastifyInstance, rules: ContentRules): void {
  const expecting = new WeakSet<IncomingMessage>();
  app.server.on('checkContinue', (request: IncomingMessage, response: ServerResponse) => {
    expecting.add(request);
    app.server.emit('request', request, response);
  });
  // Comes after the refusal of bad tokens.
  app.addHook('preParsing', async (request, reply) => {
    if (!expecting.has(request.raw)) return;
    refuseDeclared(request, rules);
    reply.raw.writeContinue();
  });
  app.addHook('onSend', async ({ raw }, reply) => {
    const hasBody = raw.headers['content-length'] !== undefined || raw.headers['transfer-encoding'] !== undefined;
    // Node reads on for the next request unless the connection is to end.
    if (hasBody && !raw.complete) reply.header('connection', 'close');
  });
}
