// Finds the pinned packages where setup.sh installed them, outside the source tree.

import { existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

const HERE = dirname(fileURLToPath(import.meta.url));
const DEPS = process.env.COFFERDAM_TEST_DEPS || join(HERE, '../../../target/test-deps');

/** Returns a `require` for one package, after checking that its installed version is the pinned one. */
export function requirePackage(name) {
  const root = join(resolve(DEPS), 'node');
  const installed = join(root, 'node_modules', name, 'package.json');
  if (!existsSync(installed)) throw new Error(`${name} is not installed in ${root}: run tests/clients/setup.sh`);
  const pinned = readJson(join(HERE, 'package.json')).dependencies[name];
  const found = readJson(installed).version;
  if (found !== pinned) throw new Error(`${name} is ${found} in ${root}, not ${pinned}: run tests/clients/setup.sh`);
  const require = createRequire(join(root, 'package.json'));
  return (path = '') => require(name + path);
}

function readJson(file) {
  return JSON.parse(readFileSync(file, 'utf8'));
}
