// The command line, parsed into something the rest can rely on.

import { parseArgs } from 'node:util';

const USAGE = `usage: node run.mjs --client client|sdk --transport http|sse|stdio --era legacy|auto
                    (--url URL | --command BIN [--args JSON_ARRAY])
                    --plugins-dir DIR --drop FILE --as NAME.wasm --expect-tool TOOL
                    [--slow-tool hostile_sleep]

  --client       client: npm @modelcontextprotocol/client; sdk: npm @modelcontextprotocol/sdk
  --era          legacy: initialize handshake; auto: probe for 2026-07-28 first (only --client client)
  --url          the server, for http and sse
  --command      the server's program, for stdio; --args are its arguments as a JSON array of strings
  --plugins-dir  the directory that the server watches
  --drop         the component to drop there; its signature files (FILE.sig, FILE.sigstore.json,
                 FILE.*.sigstore.json), where they exist, go with it
  --as           the file name it gets there
  --expect-tool  the tool that it brings; called with {"name":"Ada"}
  --slow-tool    the tool that is started and cancelled; called with {"ms":60000}

Packages are taken from $COFFERDAM_TEST_DEPS/node (default: target/test-deps/node of this repository),
where tests/clients/setup.sh installs them.`;

const FLAGS = {
  client: { type: 'string' },
  transport: { type: 'string' },
  era: { type: 'string' },
  url: { type: 'string' },
  command: { type: 'string' },
  args: { type: 'string', default: '[]' },
  'plugins-dir': { type: 'string' },
  drop: { type: 'string' },
  as: { type: 'string' },
  'expect-tool': { type: 'string' },
  'slow-tool': { type: 'string', default: 'hostile_sleep' },
  help: { type: 'boolean', default: false },
};

export function parseOptions(argv) {
  let values;
  try {
    values = parseArgs({ args: argv, options: FLAGS }).values;
  } catch (error) {
    refuse(error.message);
  }
  if (values.help) {
    console.log(USAGE);
    process.exit(0);
  }
  oneOf(values, 'client', ['client', 'sdk']);
  oneOf(values, 'transport', ['http', 'sse', 'stdio']);
  oneOf(values, 'era', ['legacy', 'auto']);
  if (values.client === 'sdk' && values.era === 'auto') {
    refuse('--client sdk speaks only revisions up to 2025-11-25: use --era legacy');
  }
  required(values, values.transport === 'stdio' ? 'command' : 'url');
  for (const name of ['plugins-dir', 'drop', 'as', 'expect-tool']) required(values, name);
  if (!values.as.endsWith('.wasm') || values.as.includes('/')) {
    refuse('--as must be a file name that ends in .wasm');
  }
  return {
    client: values.client,
    transport: values.transport,
    era: values.era,
    url: values.url,
    command: values.command,
    args: stringArray(values.args),
    pluginsDir: values['plugins-dir'],
    drop: values.drop,
    as: values.as,
    expectTool: values['expect-tool'],
    slowTool: values['slow-tool'],
  };
}

function stringArray(text) {
  let array;
  try {
    array = JSON.parse(text);
  } catch {
    refuse('--args must be a JSON array of strings');
  }
  if (!Array.isArray(array) || array.some((entry) => typeof entry !== 'string')) {
    refuse('--args must be a JSON array of strings');
  }
  return array;
}

function oneOf(values, name, allowed) {
  required(values, name);
  if (!allowed.includes(values[name])) refuse(`--${name} must be one of ${allowed.join(', ')}`);
}

function required(values, name) {
  if (!values[name]) refuse(`--${name} is required`);
}

function refuse(message) {
  console.error(`${message}\n\n${USAGE}`);
  process.exit(2);
}
