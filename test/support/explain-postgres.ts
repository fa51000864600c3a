import pg from 'pg';

export interface StatementCost {
  text: string;
  /** Shared buffers that were hit or read. */
  buffers: number;
  /** Tables that were read from end to end. */
  scanned: string[];
  plan: string;
}

interface PlanNode {
  'Node Type': string;
  'Relation Name'?: string;
  'Shared Hit Blocks': number;
  'Shared Read Blocks': number;
  Plans?: PlanNode[];
}

/** What each SELECT that `work` sends to PostgreSQL costs there, in its own session; of writing work, only what `isMeant`. */
export async function explainStatements(
  url: string,
  work: () => Promise<unknown>,
  isMeant: (text: string) => boolean = () => true,
): Promise<StatementCost[]> {
  const statements: { text: string; values: unknown[] }[] = [];
  const original = pg.Client.prototype.query;
  const spy = function (this: pg.Client, ...parameters: unknown[]): unknown {
    const [text, values] = parameters;
    // What asks the planner reads no table.
    if (typeof text === 'string' && Array.isArray(values) && !/^explain/.test(text)) statements.push({ text, values });
    return Reflect.apply(original, this, parameters);
  };
  Object.defineProperty(pg.Client.prototype, 'query', { value: spy, configurable: true, writable: true });
  try {
    await work();
  } finally {
    Object.defineProperty(pg.Client.prototype, 'query', { value: original, configurable: true, writable: true });
  }
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  const costs: StatementCost[] = [];
  for (const { text, values } of statements.filter((each) => isMeant(each.text)))
    costs.push(await explain(client, text, values));
  await client.end();
  return costs;
}

async function explain(client: pg.Client, text: string, values: unknown[]): Promise<StatementCost> {
  const { rows } = await client.query<{ 'QUERY PLAN': { Plan: PlanNode }[] }>(
    `explain (analyze, buffers, timing off, format json) ${text}`,
    values,
  );
  const root = rows[0]?.['QUERY PLAN'][0]?.Plan;
  if (root === undefined) throw new Error('no plan');
  return {
    text,
    buffers: root['Shared Hit Blocks'] + root['Shared Read Blocks'],
    scanned: nodes(root)
      .filter((node) => node['Node Type'] === 'Seq Scan')
      .flatMap((node) => node['Relation Name'] ?? []),
    plan: JSON.stringify(root),
  };
}

function nodes(node: PlanNode): PlanNode[] {
  return [node, ...(node.Plans ?? []).flatMap(nodes)];
}
