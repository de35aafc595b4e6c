// Prints `N passed, N failed[, N skipped]` for a vitest JSON report and a pytest JUnit report. A report that is not there
// counts as one failure for vitest, which always runs, and as nothing for pytest.

import { existsSync, readFileSync } from 'node:fs';

const [vitestFile, pytestFile] = process.argv.slice(2);
const total = { passed: 0, failed: 0, skipped: 0 };

if (existsSync(vitestFile)) {
  const report = JSON.parse(readFileSync(vitestFile, 'utf8'));
  total.passed += report.numPassedTests;
  total.failed += report.numFailedTests;
  total.skipped += report.numPendingTests + report.numTodoTests;
  // A file that fails outside its tests, such as in an import, has no failed test to be counted.
  total.failed += report.testResults.filter(
    ({ status, assertionResults }) => status === 'failed' && !assertionResults.some((one) => one.status === 'failed'),
  ).length;
} else total.failed += 1;

if (existsSync(pytestFile)) {
  const [suite] = /<testsuite .*?>/.exec(readFileSync(pytestFile, 'utf8')) ?? [''];
  const number = (name) => Number(new RegExp(` ${name}="(\\d+)"`).exec(suite)?.[1] ?? 0);
  const failed = number('failures') + number('errors');
  total.failed += failed;
  total.skipped += number('skipped');
  total.passed += number('tests') - failed - number('skipped');
}

const { passed, failed, skipped } = total;
console.log(`${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`);
process.exitCode = failed > 0 ? 1 : 0;
