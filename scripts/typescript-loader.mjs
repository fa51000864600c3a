import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { transformSync } from 'rolldown/utils';

export async function load(url, context, next) {
  if (!url.endsWith('.ts')) return next(url, context);
  const source = await readFile(new URL(url), 'utf8');
  const { code, errors } = transformSync(fileURLToPath(url), source, { target: 'node20' });
  if (errors.length > 0) throw new SyntaxError(`${fileURLToPath(url)}: ${errors[0].message}`);
  return { format: 'module', source: code, shortCircuit: true };
}
