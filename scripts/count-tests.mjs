// Prints `N passed, N failed` from JSON reports of vitest. A test file that could not be loaded counts as a failed test.
// Usage: node scripts/count-tests.mjs <report.json>…
import { readFileSync } from 'node:fs';

const reports = process.argv.slice(2).map((file) => JSON.parse(readFileSync(file, 'utf8')));
const passed = reports.reduce((sum, { numPassedTests }) => sum + numPassedTests, 0);
const failed = reports.reduce((sum, report) => sum + report.numFailedTests + brokenFiles(report), 0);
console.log(`${passed} passed, ${failed} failed`);

function brokenFiles({ testResults }) {
  return testResults.filter(({ status, assertionResults }) => status === 'failed' && assertionResults.length === 0)
    .length;
}
