// Prints what failed, and as the last line `N passed, N failed`, from reports of test-report.mjs. Hooks and files that
// failed count like tests; so does a run that left no report.
// Usage: node scripts/count-tests.mjs <report.json>…
import { readFileSync } from 'node:fs';

const reports = process.argv.slice(2).map(read);
const failures = reports.flatMap((report) => report.failures);
for (const { name, message } of failures) console.log(`FAILED: ${name}\n${message.replace(/^/gm, '    ')}\n`);
console.log(`${reports.reduce((sum, { passed }) => sum + passed, 0)} passed, ${failures.length} failed`);
process.exitCode = failures.length > 0 ? 1 : 0;

function read(file) {
  try {
    return JSON.parse(readFileSync(file, 'utf8'));
  } catch (error) {
    return { passed: 0, failures: [{ name: file, message: `the tests did not come to their end: ${error.message}` }] };
  }
}
