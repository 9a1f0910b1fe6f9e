// Calls the tools with the official client, which knows nothing but the URL of the server.

import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { UnauthorizedError } from "@modelcontextprotocol/sdk/client/auth.js";
import { StreamableHTTPClientTransport } from "@modelcontextprotocol/sdk/client/streamableHttp.js";

const url = new URL(JSON.parse(await new Response(process.stdin).text()).url);
const seen = { requests: [], scopes: [] };

const recording = async (input, init) => {
  const { origin, pathname } = new URL(input);
  const response = await fetch(input, init);
  const server = origin === url.origin ? "resource" : "issuer";
  seen.requests.push([server, init?.method ?? "GET", pathname, response.status]);
  return response;
};

// A user who consents to everything at once.
let code;
const stored = {};
const authProvider = {
  redirectUrl: "http://127.0.0.1:1/callback",
  clientMetadata: { client_name: "test", redirect_uris: ["http://127.0.0.1:1/callback"] },
  clientInformation: () => stored.client,
  saveClientInformation: (client) => { stored.client = client; },
  discoveryState: () => stored.discovered,
  saveDiscoveryState: (discovered) => { stored.discovered = discovered; },
  tokens: () => stored.tokens,
  saveTokens: (tokens) => { stored.tokens = tokens; },
  codeVerifier: () => stored.verifier,
  saveCodeVerifier: (verifier) => { stored.verifier = verifier; },
  redirectToAuthorization: async (authorizationUrl) => {
    seen.scopes.push(authorizationUrl.searchParams.get("scope"));
    const response = await recording(authorizationUrl, { redirect: "manual" });
    code = new URL(response.headers.get("location")).searchParams.get("code");
  },
};

const connect = async () => {
  const client = new Client({ name: "test", version: "1.0.0" });
  const transport = new StreamableHTTPClientTransport(url, { authProvider, fetch: recording });
  await client.connect(transport);
  return { client, transport };
};

// Runs `action`. If it needs the user's consent, completes the authorization and runs it again.
const authorized = async (action, transport) => {
  try {
    return await action();
  } catch (error) {
    if (!(error instanceof UnauthorizedError)) throw error;
    await transport().finishAuth(code);
    return await action();
  }
};

const anonymous = () => new StreamableHTTPClientTransport(url, { authProvider, fetch: recording });
const { client, transport } = await authorized(connect, anonymous);
seen.connecting = seen.requests.length;
seen.tools = (await client.listTools()).tools.map((tool) => tool.name);
const whoami = await client.callTool({ name: "whoami", arguments: {} });
seen.whoami = whoami.content[0].text;

const write = () => client.callTool({ name: "write_note", arguments: { text: "Buy milk" } });
seen.before = seen.requests.length;
try {
  seen.written = (await authorized(write, () => transport)).content[0].text;
} catch (error) {
  seen.error = [error.code, error.message];
}
await client.close();
process.stdout.write(JSON.stringify(seen));
