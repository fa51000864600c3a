import { ERROR_CODES } from '../core/errors.ts';
import type { Access } from './authentication.ts';
import type { RegisteredRoute, RouteResponse, Schema } from './route.ts';

const PROBLEM: Schema = {
  type: 'object',
  required: ['type', 'title', 'status', 'code', 'detail', 'request_id'],
  properties: {
    type: { type: 'string', const: 'about:blank' },
    title: { type: 'string' },
    status: { type: 'integer' },
    code: { type: 'string', enum: [...ERROR_CODES] },
    detail: { type: 'string' },
    hint: { type: 'string' },
    request_id: { type: 'string' },
  },
};

/** The OpenAPI 3.1 document of the routes, by the schemas that check their requests. */
export function toOpenApi(routes: readonly RegisteredRoute[], version: string): object {
  const paths: Record<string, Record<string, object>> = {};
  for (const route of routes) {
    const path = route.url.replace(/:(\w+)/g, '{$1}').replace('*', '{path}');
    const operations = paths[path] ?? {};
    for (const method of route.methods) operations[method.toLowerCase()] = toOperation(route, method);
    paths[path] = operations;
  }
  return {
    openapi: '3.1.0',
    info: { title: 'asset-cli', version, description: "An organisation's stored files." },
    paths,
    components: {
      schemas: { Problem: PROBLEM },
      securitySchemes: { bearer: { type: 'http', scheme: 'bearer' } },
    },
  };
}

function toOperation(route: RegisteredRoute, method: string): object {
  const { access, body, bodyType = 'application/json' } = route;
  return {
    operationId: `${method.toLowerCase()}${route.url.replace(/[^A-Za-z]+(\w)?/g, (_all, next: string = '') => next.toUpperCase())}`,
    summary: route.summary,
    parameters: [
      ...toParameters('path', route.params),
      ...toParameters('query', route.querystring),
      ...toParameters('header', route.headers),
    ],
    ...(body === undefined
      ? {}
      : { requestBody: { required: bodyType !== 'application/json', content: { [bodyType]: { schema: body } } } }),
    security: securityOf(access),
    responses: {
      ...Object.fromEntries(
        Object.entries(route.responses).map(([status, response]) => [status, toResponse(response)]),
      ),
      default: {
        description: 'A problem (RFC 9457); its code is that of the command line.',
        content: { 'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' } } },
      },
    },
  };
}

/** An empty alternative: from this machine no token is needed. */
function securityOf(access: Access): object[] {
  if (access === 'open') return [];
  return access === 'operations' ? [{ bearer: [] }, {}] : [{ bearer: [] }];
}

function toParameters(place: 'path' | 'query' | 'header', schema: Schema | undefined): object[] {
  const properties = Object.entries(Object(schema?.['properties'])) as [string, object][];
  const required: unknown = schema?.['required'];
  return properties.map(([name, property]) => ({
    // Fastify's name for the rest of a path
    name: name === '*' ? 'path' : name,
    in: place,
    required: place === 'path' || (Array.isArray(required) && required.includes(name)),
    schema: property,
  }));
}

function toResponse({ description, contentType = 'application/json', schema }: RouteResponse): object {
  if (schema === undefined && contentType === 'application/json') return { description };
  return { description, content: { [contentType]: { schema: schema ?? { type: 'string', format: 'binary' } } } };
}
