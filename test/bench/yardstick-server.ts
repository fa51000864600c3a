import { randomUUID } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import multipart from '@fastify/multipart';
import fastifyStatic from '@fastify/static';
import Fastify from 'fastify';

/** What the server is measured against: bare Fastify, which serves files and stores uploads, and knows nothing of them. */
const [root = ''] = process.argv.slice(2);
const uploads = join(root, 'uploads');
mkdirSync(uploads, { recursive: true });

const app = Fastify({ logger: false });
await app.register(fastifyStatic, { root, prefix: '/static/' });
await app.register(multipart, { limits: { fileSize: Number.MAX_SAFE_INTEGER } });

app.post('/upload', async (request, reply) => {
  const part = await request.file();
  if (part === undefined) return reply.code(400).send();
  const id = randomUUID();
  const handle = await open(join(uploads, id), 'wx');
  for await (const chunk of part.file) await handle.write(chunk);
  await handle.sync();
  await handle.close();
  return reply.code(201).send({ success: true, data: { id } });
});

console.log(await app.listen({ host: '127.0.0.1', port: 0 }));
