// The steps every client goes through, in order.

import { Connection } from './connection.mjs';
import { Drop } from './drop.mjs';
import { assert, sleep, within } from './waiting.mjs';

const LEGACY = '2025-11-25';
const MODERN = '2026-07-28';

const ANSWER_MS = 20_000;
const CONNECT_MS = 30_000;
const RUNNING_AFTER_MS = 300;
const CANCELLED_WITHIN_MS = 5_000;
const CHANGED_WITHIN_MS = 20_000;
const CLOSED_WITHIN_MS = 10_000;
/** How long both clients wait for a stdio server to end by itself before they send SIGTERM. */
const STDIO_GRACE_MS = 2_000;

export async function runSteps(options, report) {
  const drop = new Drop(options);
  const connection = await report.step('connect', () => connect(options, report));
  report.onEnd(() => complain(connection, report));

  await report.step('list', () => list(connection, report));
  await report.step('echo', () => echo(connection, 'hello from a real client'));
  await report.step('progress', () => progress(connection, report));
  const cancelled = await report.step('cancel', () => cancel(connection, options.slowTool, report));
  await report.step('echo after cancel', () => echo(connection, 'still here: Grüße, 世界'));

  await report.step('subscribe', () => subscribe(connection, report));
  const seenAtDrop = await report.step('drop', async () => {
    const before = await toolNames(connection);
    assert(!before.includes(options.expectTool), `${options.expectTool} is already listed`);
    report.onEnd(() => drop.remove());
    const seen = connection.toolsChanged.rung;
    drop.place();
    return seen;
  });
  await report.step('list_changed after drop', () => untilListed(connection, options.expectTool, true, seenAtDrop));
  await report.step('call dropped tool', async () => {
    const text = textOf(await connection.callTool(options.expectTool, { name: 'Ada' }, { timeout: ANSWER_MS }));
    assert(text !== '', `${options.expectTool} answered without text`);
    report.remark(`${options.expectTool} says: ${text.slice(0, 120)}`);
  });
  const seenAtRemove = await report.step('remove', async () => {
    const seen = connection.toolsChanged.rung;
    drop.remove();
    return seen;
  });
  await report.step('list_changed after remove', () =>
    untilListed(connection, options.expectTool, false, seenAtRemove),
  );

  const answer = connection.received.find((message) => message.id === cancelled && message.method === undefined);
  if (answer) report.remark(`the server answered the cancelled call: ${JSON.stringify(answer).slice(0, 200)}`);
  await report.step('close', () => close(connection, options.transport));
}

async function connect(options, report) {
  const connection = new Connection(options);
  await within(CONNECT_MS, 'the handshake', connection.connect());
  const version = connection.protocolVersion;
  report.remark(`protocol ${version} over ${options.transport}, ${options.client}, ${options.era}`);
  const expected = expectedVersions(options);
  assert(expected.includes(version), `negotiated ${version}, expected ${expected.join(' or ')}`);
  return connection;
}

function expectedVersions({ era, transport }) {
  if (era === 'legacy') return [LEGACY];
  // HTTP+SSE is a transport of the old era: a server may serve either over it.
  return transport === 'sse' ? [MODERN, LEGACY] : [MODERN];
}

async function list(connection, report) {
  const tools = await connection.listTools();
  const names = tools.map((tool) => tool.name);
  report.remark(`${tools.length} tools`);
  assert(new Set(names).size === names.length, `a tool is listed twice: ${names.join(', ')}`);
  const tool = tools.find(({ name }) => name === 'echo');
  assert(tool, `echo is not among: ${names.join(', ')}`);
  assert(tool.inputSchema?.type === 'object', `echo's input schema is ${JSON.stringify(tool.inputSchema)}`);
  assert(tool.inputSchema.properties?.message, "echo's input schema has no property `message`");
}

async function echo(connection, message) {
  const text = textOf(await connection.callTool('echo', { message }, { timeout: ANSWER_MS }));
  assert(text.includes(message), `sent "${message}", got "${text}"`);
}

async function progress(connection, report) {
  const delivered = [];
  const firstNew = connection.received.length;
  textOf(
    await connection.callTool(
      'test_tool_with_progress',
      {},
      { timeout: ANSWER_MS, onprogress: (notification) => delivered.push(notification.progress) },
    ),
  );
  const arrived = connection.received
    .slice(firstNew)
    .filter((message) => message.method === 'notifications/progress')
    .map((message) => message.params.progress);
  assert(arrived.length >= 3, `${arrived.length} progress reports arrived: ${arrived.join(', ')}`);
  assert(
    arrived.every((value, at) => at === 0 || value > arrived[at - 1]),
    `progress does not increase: ${arrived.join(', ')}`,
  );
  // Both clients hand a notification over one turn later than an answer, so a last report that arrives in
  // one read with the answer finds its `onprogress` gone. The server is right and the client loses it.
  const lost = arrived.length - delivered.length;
  assert(lost <= 1, `${arrived.length} progress reports arrived, onprogress saw ${delivered.length}`);
  if (lost === 1) report.remark('the client dropped the last progress report: it came in one read with the answer');
}

/** Returns the request id of the cancelled call. */
async function cancel(connection, slowTool, report) {
  const abort = new AbortController();
  const firstNew = connection.sent.length;
  const outcome = connection
    .callTool(slowTool, { ms: 60_000 }, { signal: abort.signal, timeout: 80_000 })
    .then((result) => ({ result }), (error) => ({ error }));
  const early = await Promise.race([outcome, sleep(RUNNING_AFTER_MS)]);
  if (early) throw new Error(`${slowTool} ended before it was cancelled: ${describe(early)}`);

  const start = performance.now();
  abort.abort('the user pressed stop');
  const ended = await within(CANCELLED_WITHIN_MS, 'the cancelled call', outcome);
  assert(ended.error, `the cancelled call returned: ${describe(ended)}`);
  report.remark(`rejected after ${Math.round(performance.now() - start)} ms: ${ended.error.message}`);

  const call = connection.sent.slice(firstNew).find(({ message }) => message.params?.name === slowTool);
  const { id } = call.message;
  // Modern HTTP cancels by closing the response stream, everything else by a notification.
  const streamClosed = call.options?.requestSignal?.aborted === true;
  const notified = connection.sent.some(
    ({ message }) => message.method === 'notifications/cancelled' && message.params.requestId === id,
  );
  assert(streamClosed || notified, 'the client told the server nothing of the cancellation');
  report.remark(`told the server by ${streamClosed ? 'closing the response stream' : 'notifications/cancelled'}`);
  return id;
}

async function subscribe(connection, report) {
  assert(connection.capabilities?.tools?.listChanged === true, 'the server does not declare tools.listChanged');
  report.remark(`changes arrive by ${connection.subscription()}`);
}

/**
 * Waits for a list_changed notification after the first `seen` that leads to a list as wished.
 * It never looks without having been told: that would hide a missing notification.
 */
async function untilListed(connection, tool, wished, seen) {
  const { toolsChanged } = connection;
  const deadline = performance.now() + CHANGED_WITHIN_MS;
  const first = seen;
  while (await toolsChanged.ringsAfter(seen, deadline - performance.now())) {
    seen = toolsChanged.rung;
    if ((await toolNames(connection)).includes(tool) === wished) return;
  }
  const came = seen - first;
  const state = `${tool} is ${wished ? 'not' : 'still'} listed`;
  throw new Error(
    came === 0
      ? `no tools/list_changed within ${CHANGED_WITHIN_MS / 1000} s`
      : `${came} tools/list_changed within ${CHANGED_WITHIN_MS / 1000} s, and ${state}`,
  );
}

async function close(connection, transport) {
  const start = performance.now();
  await within(CLOSED_WITHIN_MS, 'closing the connection', connection.close());
  const took = performance.now() - start;
  if (transport === 'stdio') {
    assert(took < STDIO_GRACE_MS, 'the server did not end when its input was closed, the client had to kill it');
  }
}

async function toolNames(connection) {
  return (await connection.listTools()).map(({ name }) => name);
}

function textOf(result) {
  const text = (result.content ?? [])
    .filter((item) => item.type === 'text')
    .map((item) => item.text)
    .join('');
  assert(result.isError !== true, `the tool reports an error: ${text}`);
  return text;
}

function describe({ result, error }) {
  return error ? error.message : JSON.stringify(result).slice(0, 200);
}

function complain(connection, report) {
  for (const error of connection.complaints) {
    report.remark(`the client reported: ${String(error.message).slice(0, 200)}`);
  }
}
