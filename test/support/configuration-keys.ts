/** As much of JSON Schema as the schema of the configuration uses. */
export interface Schema {
  type?: string | string[];
  title?: string;
  description?: string;
  default?: unknown;
  const?: unknown;
  enum?: unknown[];
  properties?: Record<string, Schema>;
  required?: string[];
  additionalProperties?: Schema | boolean;
  items?: Schema;
  anyOf?: Schema[];
  oneOf?: Schema[];
}

/** A Markdown page of every key: type, default and meaning. */
export function keysPage(schema: Schema): string {
  const rows = keyRows(schema, '');
  const lines = rows.map((cells) => `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`);
  return `${HEADER}\n${lines.join('\n')}\n`;
}

const HEADER = `# Configuration keys

Generated from the schema (\`npx vitest run test/config/schema.test.ts -u\`). [configuration.md](configuration.md) says how
a file is found, what goes before what, and what the values look like.

| key | type | default | meaning |
| --- | --- | --- | --- |`;

function keyRows(schema: Schema, parent: string): string[][] {
  return Object.entries(schema.properties ?? {}).flatMap(([name, property]) => {
    const key = parent === '' ? name : `${parent}.${name}`;
    const needed = schema.required?.includes(name) === true ? 'required' : shown(property.default);
    return [
      [`\`${key}\``, typeOf(property), needed, (property.description ?? '').replaceAll('<', '&lt;')],
      ...innerRows(property, key),
    ];
  });
}

function innerRows(property: Schema, key: string): string[][] {
  if (typeof property.additionalProperties !== 'object') return keyRows(property, key);
  if (property.additionalProperties.properties !== undefined) {
    return keyRows(property.additionalProperties, `${key}.<name>`);
  }
  const branches = property.additionalProperties.oneOf ?? [];
  return branches.flatMap((branch) => {
    const { provider, ...properties } = branch.properties ?? {};
    const required = branch.required?.filter((name) => name !== 'provider') ?? [];
    const choice = [`\`${key}.<name>.provider\``, `\`${String(provider?.const)}\``, 'required', ''];
    return [choice, ...keyRows({ properties, required }, `${key}.<name>`)];
  });
}

function typeOf(schema: Schema): string {
  if (schema.enum !== undefined) return schema.enum.map((value) => `\`${String(value)}\``).join(', ');
  if (schema.items !== undefined) return `list of ${typeOf(schema.items)}s`;
  if (schema.title !== undefined) return schema.title;
  if (schema.anyOf !== undefined) return schema.anyOf.map(typeOf).join(' or ');
  if (schema.type === 'object') return 'mapping';
  return schema.type === 'string' ? 'text' : String(schema.type);
}

function shown(value: unknown): string {
  if (value === undefined) return '';
  return Array.isArray(value) ? value.map((item) => `\`${String(item)}\``).join(' ') : `\`${String(value)}\``;
}
