// Counts the checks that one run of the suite left behind and names those that failed.
// Usage: node count.mjs RESULTS_DIR REVISION
//
// It counts scored and unscored scenarios alike; whether the run failed is the suite's own exit code.

import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const [results, revision] = process.argv.slice(2);

const scenarios = readdirSync(results)
  .map((directory) => ({ directory, file: join(results, directory, 'checks.json') }))
  .filter(({ file }) => existsSync(file));
if (scenarios.length === 0) {
  console.error(`no checks.json below ${results}`);
  process.exit(1);
}

let passed = 0;
const failures = [];
for (const { directory, file } of scenarios) {
  for (const check of JSON.parse(readFileSync(file, 'utf8'))) {
    if (check.status === 'SUCCESS') passed += 1;
    if (check.status === 'FAILURE') failures.push(`${scenarioName(directory)}:${check.id}: ${reason(check)}`);
  }
}
for (const failure of failures) console.log(`failed: ${failure}`);
console.log(`conformance: ${passed} passed, ${failures.length} failed (${revision})`);

/** Directories are called server-SCENARIO-TIMESTAMP. */
function scenarioName(directory) {
  return directory.replace(/^server-/, '').replace(/-\d{4}-\d\d-\d\dT[\d-]+Z$/, '');
}

function reason(check) {
  return String(check.errorMessage ?? check.description ?? '').replace(/\s+/g, ' ').slice(0, 200);
}
