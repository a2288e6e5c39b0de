/** The tools behind the official library, which serves both generations of the protocol. */
import {
  createMcpHandler,
  ProtocolError,
  ProtocolErrorCode,
  Server,
  type Tool,
} from "@modelcontextprotocol/server";
import { maxBodyBytes } from "../http/bounds.ts";
import { problemFrom } from "../http/problem-from.ts";
import { isPlainObject, parseJson } from "../lib/json.ts";
import { errorFields, log } from "../lib/log.ts";
import { VERSION } from "../lib/version.ts";
import type { ToolContext } from "./context.ts";
import { INSTRUCTIONS } from "./instructions.ts";
import { callTool, listed, type Outcome, type Refusal } from "./tool.ts";
import { tools } from "./tools/index.ts";

const SERVER = { name: "okta-edge-connector", title: "Okta Edge Connector", version: VERSION };
/** Streams on which clients wait for news, of which there is none, in one isolate at most. */
const MOST_SUBSCRIPTIONS = 32;

/** Messages in one request: the protocol of March 2025 has batches. */
const MOST_MESSAGES = 20;
/** The library would speak older ones, too. */
const VERSIONS = ["2026-07-28", "2025-11-25", "2025-06-18", "2025-03-26"];

/** What a call is done with. It travels with the request through the library. */
export interface Call {
  readonly context: ToolContext;
  readonly done: (tool: string, outcome: Outcome) => void;
}

const calls = new WeakMap<object, Call>();

/** What was thrown, in words for an agent. A bug is logged, and told as such. */
const refusalOf = (error: unknown): Refusal => {
  const thrown = error instanceof Error ? error : new Error(String(error));
  const { code, message } = problemFrom(thrown);
  const isBug = code === "internal_error" || code === "unavailable";
  if (isBug) log("error", "tool_failed", errorFields(thrown));
  return { code, detail: message, outcome: isBug ? "failed" : "refused" };
};

let list: readonly Tool[] | null = null;

/** All tools as clients are told of them. Their schemas take as long to write down as a call, so it is done once. */
const listOfTools = (): Tool[] => {
  list ??= tools.map(listed);
  return [...list];
};

/**
 * One request's server. It is the library's lower layer: the upper one learns all tools anew for each request, and checks
 * answers against schemas, which tests do here.
 */
const serverFor = ({ context, done }: Call): Server => {
  const server = new Server(SERVER, {
    // The list never changes while the Worker runs.
    capabilities: { tools: { listChanged: false } },
    supportedProtocolVersions: VERSIONS,
    instructions: INSTRUCTIONS,
  });
  server.setRequestHandler("tools/list", () => ({ tools: listOfTools() }));
  server.setRequestHandler("tools/call", ({ params }) => {
    const tool = tools.find(({ name }) => name === params.name);
    if (tool === undefined)
      throw new ProtocolError(
        ProtocolErrorCode.InvalidParams,
        `There is no such tool. The tools are ${tools.map(({ name }) => name).join(", ")}.`,
      );
    return callTool(tool, params.arguments, context, {
      refusalOf,
      done: (outcome) => done(tool.name, outcome),
    });
  });
  return server;
};

const handler = createMcpHandler(
  ({ authInfo }) => {
    const call = authInfo?.extra === undefined ? undefined : calls.get(authInfo.extra);
    if (call === undefined) throw new Error("a request came by another way than the route");
    return serverFor(call);
  },
  {
    maxSubscriptions: MOST_SUBSCRIPTIONS,
    maxRequestBodySize: maxBodyBytes,
    // Its message repeats what the request said, which does not belong in the log.
    onerror: ({ name }) => log("warn", "mcp_request_rejected", { error: name }),
  },
);

const isListening = (message: unknown): boolean =>
  isPlainObject(message) && message["method"] === "subscriptions/listen";

/** JSON-RPC's error for a request that is none. */
const tooMany = (): Response =>
  Response.json(
    {
      jsonrpc: "2.0",
      id: null,
      error: {
        code: ProtocolErrorCode.InvalidRequest,
        message: `A batch may have ${MOST_MESSAGES} messages at most.`,
      },
    },
    { status: 400 },
  );

/**
 * Answers a request. Clients of 2025 get a stream of the one answer, which the library returns before the tool has run: it
 * is awaited, so that the log line knows which tool it was and how long it took.
 * @param key which key it came with, by its place in the settings
 */
export const answerCall = async (request: Request, call: Call, key: string): Promise<Response> => {
  const extra = {};
  calls.set(extra, call);
  const authInfo = { token: "", clientId: key, scopes: [], extra };
  const text = await request.text();
  const message = parseJson(text);
  // What is no JSON is refused by the library, in the protocol's own words.
  if (message === undefined) return handler.fetch(new Request(request, { body: text }), { authInfo });
  const messages = Array.isArray(message) ? message : [message];
  if (messages.length > MOST_MESSAGES) return tooMany();
  const answer = await handler.fetch(request, { authInfo, parsedBody: message });
  const isStream = answer.headers.get("Content-Type")?.startsWith("text/event-stream") === true;
  return isStream && !messages.some(isListening) ? new Response(await answer.text(), answer) : answer;
};
