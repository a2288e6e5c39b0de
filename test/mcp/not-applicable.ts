/**
 * Checks of the official conformance suite that this Worker does not pass, each with the reason why it need not. The suite
 * was written for a server with tools, prompts and resources of its own; whoever lacks one of them fails what is asked of it.
 */

const why = {
  fixtureTool: "It calls a tool that only the suite's own server has.",
  askingBack:
    "No tool asks the client for anything, so none needs elicitation, sampling, roots or a second round.",
  prompts: "There are no prompts, and none are declared.",
  resources: "There are no resources, and none are declared.",
  completion: "There are neither prompts nor templates of resources whose arguments could be completed.",
  logging: "Agents are told nothing in log messages, and no logging is declared.",
  constantTools: "The tools are always the same, and changes of them are not declared.",
  session: "There are no sessions: each request stands alone.",
  resumption: "A stream has one answer and ends with it, so there is nothing to resume.",
  parameterHeaders: "No tool has arguments that are to be repeated in headers.",
  tasks: "Tasks are an extension that is not declared: a call is answered at once.",
} as const satisfies Record<string, string>;

export interface NotApplicable {
  readonly scenario: string;
  /** The check's id. An id that a scenario has several times counts as one. */
  readonly check: string;
  readonly why: (typeof why)[keyof typeof why];
}

const of = (reason: keyof typeof why, checks: Readonly<Record<string, readonly string[]>>): NotApplicable[] =>
  Object.entries(checks).flatMap(([scenario, ids]) =>
    ids.map((check) => ({ scenario, check, why: why[reason] })),
  );

export const notApplicable: readonly NotApplicable[] = [
  ...of("fixtureTool", {
    "json-schema-2020-12": ["json-schema-2020-12-tool-found"],
    "tools-call-audio": ["tools-call-audio"],
    "tools-call-embedded-resource": ["tools-call-embedded-resource"],
    "tools-call-error": ["tools-call-error"],
    "tools-call-image": ["tools-call-image"],
    "tools-call-mixed-content": ["tools-call-mixed-content"],
    "tools-call-simple-text": ["tools-call-simple-text"],
    "tools-call-with-progress": ["tools-call-with-progress"],
  }),
  ...of("askingBack", {
    "elicitation-sep1034-defaults": ["elicitation-sep1034-general"],
    "elicitation-sep1330-enums": ["elicitation-sep1330-general"],
    "tools-call-elicitation": ["tools-call-elicitation"],
    "tools-call-sampling": ["tools-call-sampling"],
    "input-required-result-basic-elicitation": ["sep-2322-elicitation-incomplete"],
    "input-required-result-basic-list-roots": ["sep-2322-list-roots-incomplete"],
    "input-required-result-basic-sampling": ["sep-2322-sampling-incomplete"],
    "input-required-result-capability-check": ["sep-2322-respect-client-capabilities"],
    "input-required-result-ignore-extra-params": ["sep-2322-ignore-unexpected-params"],
    "input-required-result-missing-input-response": ["sep-2322-missing-response-rerequests"],
    "input-required-result-multi-round": ["sep-2322-multi-round-r1"],
    "input-required-result-multiple-input-requests": ["sep-2322-multiple-inputs-incomplete"],
    "input-required-result-non-tool-request": ["sep-2322-non-tool-incomplete"],
    "input-required-result-request-state": ["sep-2322-request-state-incomplete"],
    "input-required-result-result-type": ["sep-2322-result-type-included"],
    "input-required-result-tampered-state": ["sep-2322-reject-tampered-state"],
    "server-stateless": [
      "sep-2575-server-rejects-undeclared-capability",
      "sep-2575-missing-capability-http-400",
      "sep-2575-http-server-no-independent-requests-on-stream",
    ],
  }),
  ...of("prompts", {
    "prompts-get-embedded-resource": ["prompts-get-embedded-resource"],
    "prompts-get-simple": ["prompts-get-simple"],
    "prompts-get-with-args": ["prompts-get-with-args"],
    "prompts-get-with-image": ["prompts-get-with-image"],
    "prompts-list": ["prompts-list"],
    caching: ["sep-2549-prompts-list-caching-hints"],
    "server-stateless": ["sep-2575-server-sends-prompts-list-changed-on-subscription"],
  }),
  ...of("resources", {
    "resources-list": ["resources-list"],
    "resources-read-binary": ["resources-read-binary"],
    "resources-read-text": ["resources-read-text"],
    "resources-subscribe": ["resources-subscribe"],
    "resources-templates-read": ["resources-templates-read"],
    "resources-unsubscribe": ["resources-unsubscribe"],
    caching: [
      "sep-2549-resources-list-caching-hints",
      "sep-2549-resources-templates-list-caching-hints",
      "sep-2549-resources-read-caching-hints",
    ],
    "sep-2164-resource-not-found": ["sep-2164-error-code", "sep-2164-data-uri"],
  }),
  ...of("completion", {
    "completion-complete": ["completion-complete"],
  }),
  ...of("logging", {
    "logging-set-level": ["logging-set-level"],
    "tools-call-with-logging": ["tools-call-with-logging"],
    "server-stateless": ["sep-2575-server-no-log-without-loglevel"],
  }),
  ...of("constantTools", {
    "server-stateless": ["sep-2575-server-sends-tools-list-changed-on-subscription"],
  }),
  ...of("session", {
    "server-sse-multiple-streams": ["server-sse-multiple-streams-session"],
    "server-sse-polling": ["server-sse-polling-session"],
  }),
  ...of("resumption", {
    "server-sse-polling": ["server-sse-priming-event", "server-sse-retry-field"],
  }),
  ...of("parameterHeaders", {
    "http-custom-header-server-validation": [
      "sep-2243-server-no-xmcp-tool",
      "sep-2243-server-decode-base64",
      "sep-2243-server-validate-param-match",
      "sep-2243-server-reject-invalid-param-chars",
      "sep-2243-server-reject-param-mismatch",
    ],
  }),
  ...of("tasks", {
    "tasks-capability-negotiation": [
      "tasks-extension-advertised",
      "sep-2663-tasks-methods-non-declaring",
      "sep-2663-server-rejects-undeclared-client",
      "tasks-per-request-meta-opt-in",
    ],
    "tasks-dispatch-and-envelope": [
      "tasks-server-directed-creation-no-hint",
      "sep-2663-legacy-task-param-ignored",
      "tasks-immediate-result-shortcut",
      "tasks-result-type-complete-on-non-task-responses",
      "sep-2663-durable-create-strong-consistency",
      "sep-2663-tasks-get-invalid-task-id-32602",
    ],
    "tasks-lifecycle": [
      "tasks-sync-tool-call",
      "sep-2663-result-type-task-on-create",
      "sep-2663-tasks-get-status-working",
      "sep-2663-tasks-get-status-completed",
      "sep-2663-tool-error-uses-completed-status",
      "sep-2663-tasks-get-status-failed",
      "sep-2663-cancel-ack-empty-result",
      "tasks-cancel-terminal-idempotent-ack",
    ],
    "tasks-mrtr-composition": ["sep-2663-mrtr-synchronous-before-task-creation"],
    "tasks-mrtr-input": [
      "sep-2663-tasks-get-status-input-required",
      "tasks-mrtr-tasks-update-resumes",
      "tasks-mrtr-partial-fulfillment",
    ],
    "tasks-request-headers": [
      "tasks-headers-tolerate-mcp-method-on-tools-call",
      "sep-2663-routing-headers-accepted-on-tasks-get",
      "sep-2663-server-rejects-mismatched-mcp-name-on-tasks-get",
    ],
    "tasks-request-state-removal": ["tasks-request-state-removal-setup"],
    "tasks-required-task-error": ["sep-2663-server-returns-missing-capability-when-required"],
    "tasks-status-notifications": ["tasks-status-notifications"],
    "tasks-wire-fields": [
      "tasks-wire-field-renames",
      "tasks-no-early-ttl-expiry",
      "tasks-no-related-task-meta-on-inlined-result",
    ],
  }),
];
