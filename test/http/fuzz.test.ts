import { expect, test } from 'vitest';
import { jsonOf, startServer, type TestServer } from '../support/http-server.ts';
import fc from '../support/property.ts';

/** As much of the document as a generator of requests needs. */
interface Operation {
  operationId: string;
  parameters: { name: string; in: 'path' | 'query' | 'header'; required: boolean; schema: Schema }[];
  requestBody?: { content: Record<string, { schema: Schema }> };
  security: object[];
  responses: Record<string, { content?: Record<string, { schema: Schema }> }>;
}

interface Schema {
  type?: string | string[];
  enum?: unknown[];
  const?: unknown;
  pattern?: string;
  minimum?: number;
  maximum?: number;
  format?: string;
  required?: string[];
  properties?: Record<string, Schema>;
  items?: Schema;
}

interface Fuzzed {
  path: string;
  init: RequestInit;
}

const RUNS = 150;

/** Half a character, as JSON can write it. */
const halved = fc.tuple(fc.string(), fc.constantFrom('\ud800', '\udc00')).map(([text, half]) => `${text}${half}.txt`);

/** What belongs to nobody's schema, but comes all the same. */
const strange = fc.oneof(
  fc.string({ unit: 'binary' }),
  fc.constantFrom('', '0', '-1', 'null', 'true', '..', '../..', '%00', '\u0000', "' or 1=1 --", 'x'.repeat(3000)),
  halved,
  fc.integer().map(String),
  fc.json(),
);

/** Mostly what the schema allows, often what it does not. */
function mostlyAllowed(schema: Schema, known: readonly string[]): fc.Arbitrary<unknown> {
  return fc.oneof({ arbitrary: allowedBy(schema, known), weight: 3 }, { arbitrary: strange, weight: 1 });
}

function allowedBy(schema: Schema, known: readonly string[]): fc.Arbitrary<unknown> {
  const [type] = [schema.type ?? 'string'].flat();
  if (schema.enum !== undefined) return fc.constantFrom(...schema.enum);
  if (schema.pattern !== undefined) return fc.stringMatching(new RegExp(schema.pattern));
  if (type === 'integer') return fc.integer({ min: schema.minimum ?? 0, max: schema.maximum ?? 2 ** 31 });
  if (type === 'boolean') return fc.boolean();
  if (type === 'object') {
    const entries = Object.entries(schema.properties ?? {}).map(
      ([name, inner]) => [name, mostlyAllowed(inner, known)] as const,
    );
    return fc.record(Object.fromEntries(entries), { requiredKeys: [] });
  }
  return fc.oneof(fc.string(), fc.constantFrom(...known), fc.uuid());
}

function requestOf(path: string, method: string, operation: Operation, known: readonly string[]): fc.Arbitrary<Fuzzed> {
  const parameters = operation.parameters.map((parameter) =>
    fc.tuple(fc.constant(parameter), mostlyAllowed(parameter.schema, known), fc.boolean()),
  );
  const [[type = '', body] = []] = Object.entries(operation.requestBody?.content ?? {});
  return fc
    .tuple(fc.tuple(...parameters), body === undefined ? fc.constant(undefined) : mostlyAllowed(body.schema, known))
    .map(([values, content]) => {
      let target = path;
      const query: string[] = [];
      const headers: Record<string, string> = {};
      for (const [{ name, in: place, required }, value, given] of values) {
        const text = encodeURIComponent(String(value).toWellFormed());
        // The client would take these away, and ask another path.
        if (place === 'path') target = target.replace(`{${name}}`, /^\.*$/.test(text) ? 'x' : text);
        else if (!required && !given) continue;
        else if (place === 'query') query.push(`${name}=${text}`);
        else headers[name] = text;
      }
      const init: RequestInit = { method: method.toUpperCase(), headers };
      if (type === 'application/json')
        Object.assign(init, { body: JSON.stringify(content) ?? '', headers: { ...headers, 'content-type': type } });
      if (type === 'multipart/form-data') init.body = formOf(content);
      return { path: query.length === 0 ? target : `${target}?${query.join('&')}`, init };
    });
}

function formOf(content: unknown): FormData {
  const form = new FormData();
  for (const [name, value] of Object.entries(Object(content))) {
    const text = String(value).toWellFormed();
    if (name === 'file') form.set(name, new Blob([text]), `${text.slice(0, 20)}.txt`);
    else form.append(name, text);
  }
  return form;
}

async function judge(server: TestServer, operation: Operation, fuzzed: Fuzzed): Promise<void> {
  const options = operation.security.length === 0 ? { ...fuzzed.init, token: null } : fuzzed.init;
  const response = await server.request(fuzzed.path, options);
  expect(response.status).toBeLessThan(500);
  const type = response.headers.get('content-type') ?? '';
  if (response.status >= 400) {
    if (fuzzed.init.method === 'HEAD') return;
    expect(type).toContain('application/problem+json');
    const problem = await jsonOf(response);
    expect(problem).toMatchObject({ status: response.status, code: expect.any(String), detail: expect.any(String) });
    return;
  }
  const documented = operation.responses[String(response.status)];
  expect([response.status, documented === undefined]).toEqual([response.status, false]);
  const schema = documented?.content?.['application/json']?.schema;
  if (schema === undefined || fuzzed.init.method === 'HEAD') await response.arrayBuffer();
  else expectToFit(await jsonOf(response), schema);
}

/** Only the shape: what is required is there, and of its type. */
function expectToFit(value: unknown, schema: Schema): void {
  const types = schema.type === undefined ? [] : [schema.type].flat();
  const type = value === null ? 'null' : Array.isArray(value) ? 'array' : typeof value;
  const kinds = types.map((each) => (each === 'integer' ? 'number' : each));
  if (kinds.length > 0) expect(kinds).toContain(type);
  if (schema.const !== undefined) expect(value).toBe(schema.const);
  for (const [name, inner] of Object.entries(schema.properties ?? {})) {
    const found: unknown = Object(value)[name];
    if (found === undefined) expect(schema.required ?? []).not.toContain(name);
    else expectToFit(found, inner);
  }
  if (schema.items !== undefined && Array.isArray(value)) for (const item of value) expectToFit(item, schema.items);
}

test('no request that the own description leads to ends in a 500', { timeout: 900_000 }, async () => {
  const server = await startServer();
  const known = [await server.stored('one'), await server.stored('two')];
  const document: { paths: Record<string, Record<string, Operation>> } = await jsonOf(
    await server.request('/openapi.json'),
  );
  const signed = new URL(await server.sign(known[0] ?? ''), server.url);
  const values = [...known, ...signed.searchParams.values(), signed.pathname.replace('/files/local/', ''), 'local'];
  let operations = 0;
  for (const [path, methods] of Object.entries(document.paths)) {
    for (const [method, operation] of Object.entries(methods)) {
      operations += 1;
      const requests = requestOf(path, method, operation, values);
      await fc.assert(
        fc.asyncProperty(requests, (fuzzed) => judge(server, operation, fuzzed)),
        { numRuns: RUNS },
      );
    }
  }
  expect(operations).toBeGreaterThanOrEqual(14);
  expect(server.log.filter(({ level }) => level === 'error')).toEqual([]);
});
