import { expect, test } from 'vitest';
import { createProgram } from '../../src/cli/program.ts';

const NOTICE =
  '/** What commander renders; test/cli/help.test.ts compares, `npx vitest run test/cli/help.test.ts -u` writes it anew. */';

test('the help that is kept ready is what commander renders', async () => {
  let written = '';
  const program = createProgram({
    version: '0.0.0',
    bind: () => undefined,
    writeOut: (text) => {
      written += text;
    },
    columns: undefined,
  });
  program.outputHelp();
  const source = `${NOTICE}\nexport const TOP_LEVEL_HELP = \`${written.replaceAll(/[\\`]|\$(?=\{)/g, '\\$&')}\`;\n`;
  await expect(source).toMatchFileSnapshot('../../src/cli/help/top-level.ts');
});
