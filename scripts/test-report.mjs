// A reporter of vitest: writes what passed and what failed, with the first lines of why, to $ASSET_CLI_TEST_REPORT.
// Unlike vitest's JSON it also knows of hooks that failed and of errors that no test met.
import { writeFileSync } from 'node:fs';
import { stripVTControlCharacters } from 'node:util';

const MOST_LINES = 20;
const MOST_COLUMNS = 300;

export default class TestReport {
  onTestRunEnd(modules, unhandled) {
    const tests = modules.flatMap((module) => [...module.children.allTests()]);
    const failures = [
      ...modules.flatMap((module) => [
        ...brokenOnes(module, module.relativeModuleId),
        ...[...module.children.allSuites()].flatMap((suite) => brokenOnes(suite, nameOf(suite))),
      ]),
      ...tests
        .map((test) => ({ name: nameOf(test), result: test.result() }))
        .filter(({ result }) => result.state === 'failed')
        .map(({ name, result }) => failure(name, result.errors[0])),
      ...unhandled.map((error) => failure(`outside of any test (${error.type ?? 'error'})`, error)),
    ];
    const passed = tests.filter((test) => test.result().state === 'passed').length;
    writeFileSync(process.env.ASSET_CLI_TEST_REPORT, JSON.stringify({ passed, failures }));
  }
}

/** A file that could not be loaded, or hooks that failed. */
function brokenOnes(suite, name) {
  return suite.errors().map((error) => failure(name, error));
}

function nameOf(task) {
  return `${task.module.relativeModuleId} > ${task.fullName}`;
}

function failure(name, { message, diff, stacks } = { message: 'failed' }) {
  const [{ file, line } = {}] = stacks ?? [];
  const lines = stripVTControlCharacters([message, diff].filter(Boolean).join('\n')).split('\n');
  const shown = lines.slice(0, MOST_LINES).map((each) => each.slice(0, MOST_COLUMNS));
  return { name, message: [...shown, ...(file === undefined ? [] : [`at ${file}:${line}`])].join('\n') };
}
