// One line per step on stdout: `ok <step>` or `not ok <step>: why`. Lines that begin with `#` are remarks.
// The first failure ends the run with exit code 1.

export class Report {
  #current = 'start';
  #remarks = [];
  #cleanups = [];
  #deadline;

  constructor(timeoutMs) {
    this.#deadline = setTimeout(
      () => this.#fail(new Error(`the whole run took more than ${timeoutMs / 1000} s`)),
      timeoutMs,
    );
  }

  /** Runs one step; what `body` resolves to is returned. */
  async step(name, body) {
    this.#current = name;
    let value;
    try {
      value = await body();
    } catch (error) {
      this.#fail(error);
    }
    console.log(`ok ${name}`);
    this.#printRemarks();
    return value;
  }

  /** A remark on the step under way; printed below its line. */
  remark(text) {
    this.#remarks.push(text);
  }

  /** Registers synchronous work to be done however the run ends. */
  onEnd(cleanup) {
    this.#cleanups.push(cleanup);
  }

  finish() {
    clearTimeout(this.#deadline);
    this.#cleanUp();
    process.exit(0);
  }

  #fail(error) {
    console.log(`not ok ${this.#current}: ${oneLine(error)}`);
    this.#cleanUp();
    process.exit(1);
  }

  #cleanUp() {
    for (const cleanup of this.#cleanups.splice(0)) cleanup();
    this.#printRemarks();
  }

  #printRemarks() {
    for (const remark of this.#remarks.splice(0)) console.log(`# ${remark}`);
  }
}

function oneLine(error) {
  const causes = [];
  for (let at = error; at && causes.length < 4; at = at.cause) causes.push(at.message ?? String(at));
  return causes.join(' <- ').replace(/\s+/g, ' ').slice(0, 400);
}
