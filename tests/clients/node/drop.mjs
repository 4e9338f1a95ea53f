// Puts a component into the watched directory and takes it out again, as an operator would.

import { copyFileSync, existsSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';

import { assert } from './waiting.mjs';

export class Drop {
  #source;
  #target;

  constructor({ drop, pluginsDir, as }) {
    this.#source = drop;
    this.#target = join(pluginsDir, as);
  }

  /** Signatures first, then the component; each appears whole, under a name that is no component's until then. */
  place() {
    assert(existsSync(this.#source), `${this.#source} does not exist`);
    assert(!existsSync(this.#target), `${this.#target} is already there`);
    for (const suffix of signatureSuffixes(this.#source)) {
      copyWhole(this.#source + suffix, this.#target + suffix);
    }
    copyWhole(this.#source, this.#target);
  }

  /** Does nothing where there is nothing to remove. */
  remove() {
    rmSync(this.#target, { force: true });
    for (const suffix of signatureSuffixes(this.#source)) rmSync(this.#target + suffix, { force: true });
  }
}

function signatureSuffixes(file) {
  const name = basename(file);
  if (!existsSync(dirname(file))) return [];
  return readdirSync(dirname(file))
    .filter((entry) => entry === `${name}.sig` || (entry.startsWith(`${name}.`) && entry.endsWith('.sigstore.json')))
    .map((entry) => entry.slice(name.length));
}

function copyWhole(from, to) {
  const temporary = join(dirname(to), `.${basename(to)}.${process.pid}.part`);
  try {
    copyFileSync(from, temporary);
    renameSync(temporary, to);
  } finally {
    rmSync(temporary, { force: true });
  }
}
