import { METRICS_TYPE } from '../metrics.ts';
import { answerJson, defineRoute } from '../route.ts';
import { record } from '../schemas.ts';

const READINESS_MILLISECONDS = 2000;
const STATUS = record({ status: { type: 'string' } });

/** For whoever runs the server. */
export const OPERATION_ROUTES = [
  defineRoute({
    methods: ['GET', 'HEAD'],
    url: '/healthz',
    access: 'open',
    isCheck: true,
    summary: 'Whether the process answers.',
    responses: { 200: { description: 'It does.', schema: STATUS } },
    handle: async (_serving, _request, reply) => answerJson(reply, 200, { status: 'ok' }),
  }),
  defineRoute({
    methods: ['GET', 'HEAD'],
    url: '/readyz',
    access: 'open',
    isCheck: true,
    // Whoever asks does not wait for a database that is away.
    answersWithin: READINESS_MILLISECONDS,
    summary: 'Whether the catalog answers and takes changes, too.',
    responses: { 200: { description: 'It does.', schema: STATUS } },
    async handle({ context }, _request, reply) {
      const catalog = await context.catalog();
      await catalog.maintenance.ready();
      return answerJson(reply, 200, { status: 'ready' });
    },
  }),
  defineRoute({
    methods: ['GET', 'HEAD'],
    url: '/metrics',
    access: 'operations',
    summary: "Counts for Prometheus; from this machine, or with an operator's token.",
    responses: { 200: { description: 'The counts.', contentType: 'text/plain', schema: { type: 'string' } } },
    async handle({ metrics }, _request, reply) {
      reply.type(METRICS_TYPE);
      return metrics.render();
    },
  }),
  defineRoute({
    methods: ['GET', 'HEAD'],
    url: '/openapi.json',
    access: 'open',
    summary: 'This description.',
    responses: { 200: { description: 'An OpenAPI 3.1 document.', schema: { type: 'object' } } },
    handle: async ({ openApi }, _request, reply) => answerJson(reply, 200, openApi),
  }),
];
