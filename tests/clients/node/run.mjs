// Drives one MCP server with one of the official Node clients, step by step, and says how each step went.
// Usage: node run.mjs --help

import { parseOptions } from './options.mjs';
import { Report } from './report.mjs';
import { runSteps } from './steps.mjs';

const OVERALL_TIMEOUT_MS = 90_000;

const options = parseOptions(process.argv.slice(2));
const report = new Report(OVERALL_TIMEOUT_MS);
await runSteps(options, report);
report.finish();
