// One connected client. The two packages differ in names and in what they do by themselves;
// here they become one shape, and what passes between client and transport is written down.

import { requirePackage } from './packages.mjs';
import { Bell } from './waiting.mjs';

const IDENTITY = { name: 'cofferdam-client-tests', version: '1.0.0' };

export class Connection {
  /** Rings at every tools/list_changed that the client hands to its application. */
  toolsChanged = new Bell();
  /** Messages as the client gave them to its transport, each `{ message, options }`. */
  sent = [];
  /** Messages as the transport gave them to the client. */
  received = [];
  /** What the client reported out of band. */
  complaints = [];

  #driver;

  constructor(options) {
    this.#driver = DRIVERS[options.client](options, {
      tools: { autoRefresh: false, debounceMs: 0, onChanged: () => this.toolsChanged.ring() },
    });
    this.client.onerror = (error) => this.complaints.push(error);
    this.#record(this.#driver.transport);
  }

  get client() {
    return this.#driver.client;
  }

  async connect() {
    await this.client.connect(this.#driver.transport);
  }

  get protocolVersion() {
    return this.#driver.protocolVersion();
  }

  get capabilities() {
    return this.client.getServerCapabilities();
  }

  /** The answer to how list changes arrive; an error where they cannot. */
  subscription() {
    return this.#driver.subscription();
  }

  /** Every page, asked of the server and not of a cache. */
  async listTools() {
    return this.#driver.listTools();
  }

  async callTool(name, args, options) {
    return this.#driver.callTool({ name, arguments: args }, options);
  }

  async close() {
    await this.#driver.close();
  }

  // Protocol.connect keeps and calls an `onmessage` that was set before it.
  #record(transport) {
    transport.onmessage = (message) => this.received.push(message);
    const send = transport.send.bind(transport);
    transport.send = (message, options) => {
      this.sent.push({ message, options });
      return send(message, options);
    };
  }
}

const DRIVERS = {
  client: (options, listChanged) => {
    const load = requirePackage('@modelcontextprotocol/client');
    const { Client, SSEClientTransport, StreamableHTTPClientTransport } = load();
    const { StdioClientTransport } = load('/stdio');
    const client = new Client(IDENTITY, { versionNegotiation: { mode: options.era }, listChanged });
    const transport = makeTransport(options, {
      http: StreamableHTTPClientTransport,
      sse: SSEClientTransport,
      stdio: StdioClientTransport,
    });
    return {
      client,
      transport,
      protocolVersion: () => client.getNegotiatedProtocolVersion(),
      subscription: () => {
        if (client.getProtocolEra() === 'legacy') return 'unsolicited notifications';
        const filter = client.autoOpenedSubscription?.honoredFilter;
        if (!filter?.toolsListChanged) {
          throw new Error('the server did not grant subscriptions/listen for toolsListChanged');
        }
        return 'subscriptions/listen';
      },
      listTools: async () => (await client.listTools(undefined, { cacheMode: 'refresh' })).tools,
      callTool: (params, callOptions) => client.callTool(params, callOptions),
      close: () => closeAll(client, transport),
    };
  },

  sdk: (options, listChanged) => {
    const load = requirePackage('@modelcontextprotocol/sdk');
    const { Client } = load('/client/index.js');
    const { SSEClientTransport } = load('/client/sse.js');
    const { StdioClientTransport } = load('/client/stdio.js');
    const { StreamableHTTPClientTransport } = load('/client/streamableHttp.js');
    const { CallToolResultSchema } = load('/types.js');
    const client = new Client(IDENTITY, { listChanged });
    const transport = makeTransport(options, {
      http: StreamableHTTPClientTransport,
      sse: SSEClientTransport,
      stdio: StdioClientTransport,
    });
    // This client has no getter for the version; it tells it to its transport, where that wants to know.
    let version;
    const setProtocolVersion = transport.setProtocolVersion?.bind(transport);
    transport.setProtocolVersion = (negotiated) => {
      version = negotiated;
      setProtocolVersion?.(negotiated);
    };
    return {
      client,
      transport,
      protocolVersion: () => version,
      subscription: () => 'unsolicited notifications',
      listTools: async () => {
        const tools = [];
        let cursor;
        do {
          const page = await client.listTools(cursor === undefined ? undefined : { cursor });
          tools.push(...page.tools);
          cursor = page.nextCursor;
        } while (cursor !== undefined);
        return tools;
      },
      callTool: (params, callOptions) => client.callTool(params, CallToolResultSchema, callOptions),
      close: () => closeAll(client, transport),
    };
  },
};

function makeTransport({ transport, url, command, args }, classes) {
  const Transport = classes[transport];
  return transport === 'stdio'
    ? new Transport({ command, args, stderr: 'inherit' })
    : new Transport(new URL(url));
}

/** Ends a legacy HTTP session before the connection, as a polite client does. */
async function closeAll(client, transport) {
  if (transport.sessionId) await transport.terminateSession();
  await client.close();
}
