// Bounded waiting.

/** Does not keep the process alive: what matters is awaited elsewhere, and the report has its own deadline. */
export const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms).unref());

/** What `promise` resolves to, or an error that names `what` after `ms`. */
export async function within(ms, what, promise) {
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`${what}: nothing within ${ms / 1000} s`)), ms);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}

/** Counts events, and lets a reader wait for the next one that it has not seen. */
export class Bell {
  #rung = 0;
  #waiting = [];

  ring() {
    this.#rung += 1;
    for (const wake of this.#waiting.splice(0)) wake();
  }

  get rung() {
    return this.#rung;
  }

  /** Whether a ring after the first `seen` comes within `ms`. */
  async ringsAfter(seen, ms) {
    if (this.#rung > seen) return true;
    await Promise.race([sleep(Math.max(0, ms)), new Promise((resolve) => this.#waiting.push(resolve))]);
    return this.#rung > seen;
  }
}

export function assert(condition, message) {
  if (!condition) throw new Error(message);
}
