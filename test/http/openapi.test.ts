import * as fc from "fast-check";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import * as z from "zod";
import { exampleEvent } from "../../src/http/example-event.ts";
import { type ApiDocument, operationsOf } from "../../src/http/openapi.ts";
import { problemCatalogue } from "../../src/http/problems.ts";
import { known } from "../../src/inventory/facts.ts";
import { deviceEvent, sekoiaUserSchema, userEvent } from "../../src/ocsf/index.ts";
import {
  activeUser,
  deviceContext,
  factsOf,
  managedDevice,
  nonCompliantDevice,
  readDevice,
  suspendedUser,
  userContext,
} from "../ocsf/samples.ts";
import { examples } from "../support/seeds.ts";
import { keyedRoutes, makeApp, muteLog, problemOf } from "./support.ts";

beforeEach(muteLog);
afterEach(() => vi.restoreAllMocks());

const read = async (): Promise<ApiDocument> => {
  const response = await makeApp().call("GET", "/openapi.json", { key: null });
  return await response.json<ApiDocument>();
};

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** Every value under a key of this name, anywhere. */
const valuesOf = (key: string, within: unknown): unknown[] => {
  if (Array.isArray(within)) return within.flatMap((item) => valuesOf(key, item));
  if (!isObject(within)) return [];
  const own = Object.hasOwn(within, key) ? [within[key]] : [];
  return [...own, ...Object.values(within).flatMap((value) => valuesOf(key, value))];
};

/** A JSON Schema of the document as a validator, its references resolved. */
const validator = (document: ApiDocument, schema: unknown): z.ZodType => {
  const text = JSON.stringify({ ...(isObject(schema) ? schema : {}), $defs: document.components?.schemas });
  return z.fromJSONSchema(JSON.parse(text.replaceAll("#/components/schemas/", "#/$defs/")));
};

describe("the OpenAPI document", () => {
  it("is OpenAPI 3.1 with what the specification requires", async () => {
    const document = await read();
    expect(document.openapi).toMatch(/^3\.1\.\d+$/);
    expect(document.info).toMatchObject({ title: expect.any(String), version: expect.any(String) });
    const ids = operationsOf(document).map(({ operation }) => operation.operationId);
    expect(new Set(ids).size).toBe(ids.length);
    for (const { path, operation } of operationsOf(document)) {
      expect(path).toMatch(/^\//);
      expect(operation.summary).toBeTruthy();
      expect(operation.tags?.length).toBe(1);
      expect(Object.keys(operation.responses ?? {}).length).toBeGreaterThan(0);
      for (const [status, answer] of Object.entries(operation.responses ?? {})) {
        expect(status).toMatch(/^[1-5]\d\d$/);
        expect(answer).toMatchObject({ description: expect.stringMatching(/./) });
      }
      const named = [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name);
      const declared = (operation.parameters ?? []).flatMap((parameter) =>
        "in" in parameter && parameter.in === "path" ? [parameter] : [],
      );
      expect(declared.map(({ name }) => name).sort()).toEqual(named.sort());
      for (const parameter of declared) expect(parameter.required).toBe(true);
    }
  });

  it("refers only to what it holds", async () => {
    const document = await read();
    const schemas = Object.keys(document.components?.schemas ?? {});
    for (const ref of valuesOf("$ref", document)) {
      expect(schemas).toContain(String(ref).replace("#/components/schemas/", ""));
    }
    const schemes = Object.keys(document.components?.securitySchemes ?? {});
    for (const { operation } of operationsOf(document)) {
      for (const need of operation.security ?? []) {
        expect(schemes).toEqual(expect.arrayContaining(Object.keys(need)));
      }
    }
    const tags = document.tags?.map(({ name }) => name);
    for (const { operation } of operationsOf(document)) {
      expect(tags).toEqual(expect.arrayContaining(operation.tags ?? []));
    }
  });

  it("has every route that the app has", async () => {
    const { app } = makeApp();
    const hidden = ["GET /docs/style.css"];
    // Pages for people.
    const isConsole = (path: string) => path === "/" || path.startsWith("/console/");
    const served = app.routes
      .filter(({ method, path }) => method !== "ALL" && !path.includes("*") && !isConsole(path))
      .map(({ method, path }) => `${method} ${path.replaceAll(/:(\w+)/g, "{$1}")}`);
    const described = operationsOf(await read()).map(({ method, path }) => `${method.toUpperCase()} ${path}`);
    expect(new Set(described)).toEqual(new Set(served.filter((route) => !hidden.includes(route))));
  });

  it("says of every route under /v1 that it needs a key, and what it answers without one", async () => {
    for (const { path, operation } of operationsOf(await read())) {
      const isHook = path.startsWith("/v1/hooks/");
      const needsKey = !isHook && (path.startsWith("/v1/") || path === "/metrics");
      expect(operation.security ?? []).toEqual(needsKey ? [{ key: [] }] : isHook ? [{ hook: [] }] : []);
      if (needsKey)
        expect(Object.keys(operation.responses ?? {})).toEqual(expect.arrayContaining(["401", "503"]));
    }
  });

  it("shows examples that fit their schemas", async () => {
    const document = await read();
    const media = valuesOf("content", document.paths).flatMap((content) =>
      isObject(content) ? Object.values(content).filter(isObject) : [],
    );
    const named = Object.values(document.components?.schemas ?? {}).filter(isObject);
    const pairs = [
      ...media.map((entry) => [entry["schema"], entry["example"]] as const),
      ...named.map((schema) => [schema, schema["example"]] as const),
    ].filter(([, example]) => example !== undefined);
    expect(pairs.length).toBeGreaterThan(8);
    for (const [schema, example] of pairs) {
      const { example: _, ...bare } = isObject(schema) ? schema : {};
      const result = validator(document, bare).safeParse(example);
      expect(result.error?.issues ?? []).toEqual([]);
    }
    expect(sekoiaUserSchema.parse(exampleEvent)).toEqual(exampleEvent);
  });

  it("describes the events of administrators, of suspended people and of devices", async () => {
    const document = await read();
    const check = (name: string, event: unknown) => {
      const schema = document.components?.schemas?.[name];
      expect(validator(document, schema).safeParse(event).error?.issues ?? []).toEqual([]);
    };
    const admin = factsOf(activeUser, {
      roles: known(
        [
          {
            id: "ra1",
            type: "SUPER_ADMIN",
            label: "Super Administrator",
            status: "ACTIVE",
            assignmentType: "USER",
          },
        ],
        0,
      ),
    });
    for (const facts of [admin, factsOf(suspendedUser)]) {
      check("OcsfUserEvent", userEvent(facts, userContext, "ocsf"));
      check("SekoiaUserEvent", userEvent(facts, userContext, "sekoia"));
    }
    for (const record of [managedDevice, nonCompliantDevice]) {
      check("OcsfDeviceEvent", deviceEvent({ device: readDevice(record) }, deviceContext, "ocsf"));
      check("SekoiaDeviceEvent", deviceEvent({ device: readDevice(record) }, deviceContext, "sekoia"));
      check(
        "Sekoia2026DeviceEvent",
        deviceEvent({ device: readDevice(record) }, deviceContext, "sekoia_2026"),
      );
    }
  });

  it("tells the truth about the answers", async () => {
    const document = await read();
    for (const [method, path, body, status] of keyedRoutes) {
      const response = await makeApp().call(method, path, { body });
      const type = response.headers.get("Content-Type")?.split(";")[0] ?? "";
      const described = operationsOf(document).find(
        (operation) =>
          operation.method === method.toLowerCase() &&
          new RegExp(`^${operation.path.replaceAll(/\{\w+\}/g, "[^/]+")}$`).test(path.split("?")[0] ?? ""),
      );
      const answer: unknown = described?.operation.responses?.[String(status)];
      const content = isObject(answer) && isObject(answer["content"]) ? answer["content"] : {};
      expect(Object.keys(content)).toContain(type);
      const entry = content[type];
      // The fake inventory holds placeholders instead of events.
      if (type !== "application/json" || path.startsWith("/v1/inventory")) continue;
      const schema = isObject(entry) ? entry["schema"] : undefined;
      expect(validator(document, schema).safeParse(await response.json()).error?.issues ?? []).toEqual([]);
    }
  });
});

describe("input made from the document", () => {
  interface Value {
    readonly name: string;
    readonly place: string;
    readonly schema: Record<string, unknown>;
    readonly example: unknown;
  }

  const valuesFor = (operation: ReturnType<typeof operationsOf>[number]["operation"]): Value[] =>
    (operation.parameters ?? []).flatMap((parameter) => {
      if (!("in" in parameter)) return [];
      const schema = isObject(parameter.schema) ? parameter.schema : {};
      const options = Array.isArray(schema["enum"]) ? schema["enum"] : [];
      const example = schema["example"] ?? schema["default"] ?? options[0] ?? "u3";
      return [{ name: parameter.name, place: parameter.in, schema, example }];
    });

  const target = (
    path: string,
    values: readonly Value[],
    change?: { name: string; value: unknown },
  ): string => {
    const chosen = (value: Value): string =>
      encodeURIComponent(String(value.name === change?.name ? change.value : value.example));
    const filled = values
      .filter(({ place }) => place === "path")
      .reduce((text, value) => text.replace(`{${value.name}}`, chosen(value)), path);
    const query = values
      .filter(({ place }) => place === "query")
      .map((value) => `${value.name}=${chosen(value)}`);
    return query.length === 0 ? filled : `${filled}?${query.join("&")}`;
  };

  /** The routes that a key opens. */
  const keyed = async () => operationsOf(await read()).filter(({ path }) => !path.startsWith("/v1/hooks/"));

  const bodyOf = (operation: ReturnType<typeof operationsOf>[number]["operation"]): unknown => {
    const [example] = valuesOf("example", operation.requestBody);
    return example;
  };

  it("good input is never refused for its form", async () => {
    for (const { method, path, operation } of await keyed()) {
      // The examples' times are in the past.
      const app = makeApp({ now: () => Date.now() });
      const response = await app.call(method.toUpperCase(), target(path, valuesFor(operation)), {
        body: bodyOf(operation),
      });
      expect([200, 202, 404]).toContain(response.status);
      if (response.status === 404) expect(await problemOf(response)).toMatchObject({ code: "not_found" });
    }
  });

  it("bad input is refused with the name of what is wrong", async () => {
    for (const { method, path, operation } of await keyed()) {
      const values = valuesFor(operation);
      const closed = values.filter(
        ({ schema }) => schema["enum"] !== undefined || schema["type"] === "integer",
      );
      for (const { name, place } of closed) {
        const bad = target(path, values, { name, value: "no-such-value" });
        const problem = await problemOf(
          await makeApp().call(method.toUpperCase(), bad, { body: bodyOf(operation) }),
        );
        if (name === "stream") expect(problem.code).toBe("unknown_stream");
        else expect(problem.errors?.map(({ field }) => field)).toEqual([`${place}.${name}`]);
      }
      const { requestBody } = operation;
      if (requestBody === undefined || "$ref" in requestBody || requestBody.required !== true) continue;
      for (const body of [{}, [], "null", '"text"', { unknown: 1 }]) {
        const problem = await problemOf(
          await makeApp().call(method.toUpperCase(), target(path, values), { body }),
        );
        expect(problem).toMatchObject({ code: "invalid_request", status: 400 });
      }
    }
  });

  it("malformed requests: never a 500, every error a problem of the catalogue", async () => {
    const document = await read();
    const operations = operationsOf(document);
    const { call } = makeApp();
    const anyText = fc.oneof(
      fc.string({ unit: "binary", maxLength: 60 }),
      fc.constantFrom("", "..", "%00", "%", "a/b"),
    );
    const query = fc.dictionary(
      fc.oneof(fc.constantFrom("after", "limit", "dialect", "connection", "refresh"), anyText),
      fc.oneof(anyText, fc.integer().map(String)),
      { maxKeys: 4 },
    );
    const body = fc.option(
      fc.oneof(
        fc.json(),
        anyText,
        fc.constantFrom('{"kind":"full"}', '{"__proto__":{"kind":"full"}}', "[[[["),
      ),
      { nil: undefined },
    );
    const request = fc.record({
      operation: fc.constantFrom(...operations),
      method: fc.constantFrom("GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "HEAD"),
      sameMethod: fc.boolean(),
      stream: fc.oneof(fc.constantFrom("users", "devices"), anyText),
      id: anyText,
      query,
      body,
      type: fc.constantFrom(
        "application/json",
        "text/plain",
        "application/json; charset=utf-7",
        "multipart/form-data",
      ),
    });
    await fc.assert(
      fc.asyncProperty(request, async ({ operation, method, sameMethod, stream, id, query, body, type }) => {
        const verb = sameMethod ? operation.method.toUpperCase() : method;
        const path = operation.path
          .replace("{stream}", encodeURIComponent(stream))
          .replace(/\{\w+\}/, () => encodeURIComponent(id));
        // Dots may lead out of the API, to the console, whose answers are pages.
        fc.pre(new URL(path, "https://connector.example.com").pathname !== "/");
        const withBody = body !== undefined && verb !== "GET" && verb !== "HEAD";
        const search = new URLSearchParams(query).toString();
        const response = await call(verb, `${path}?${search}`, {
          ...(withBody && { body, headers: { "Content-Type": type } }),
        });
        expect(response.status).not.toBe(500);
        if (
          response.status >= 400 &&
          verb !== "HEAD" &&
          response.headers.get("Content-Type") !== "application/json"
        ) {
          const { code } = await problemOf(response);
          expect(Object.keys(problemCatalogue)).toContain(code);
        }
      }),
      examples(500),
    );
  });
});

describe("the reference page", () => {
  it("shows every route and every problem, with no inline code and nothing from elsewhere", async () => {
    const response = await makeApp().call("GET", "/docs", { key: null });
    expect(response.headers.get("Content-Type")).toBe("text/html; charset=utf-8");
    const html = await response.text();
    expect(html).toMatch(/^<!DOCTYPE html><html lang="en">/);
    for (const { method, path } of operationsOf(await read())) {
      expect(html).toContain(`<code>${method.toUpperCase()} ${path}</code>`);
    }
    // Fields inside fields as well, with their units.
    expect(html).toMatch(/<code>sinks\[\]\.lag_seconds<\/code><\/td><td>integer<\/td><td>[^<]*seconds/);
    for (const code of Object.keys(problemCatalogue)) expect(html).toContain(`id="problem-${code}"`);
    expect(html).not.toMatch(/<script|<style| style=| on[a-z]+=/);
    const targets = [...html.matchAll(/(?:href|src)="([^"]*)"/g)].map(([, url]) => url ?? "");
    for (const url of targets) {
      expect(url).toMatch(/^[#/]/);
      if (url.startsWith("#")) expect(html).toContain(`id="${url.slice(1)}"`);
    }
    const style = await makeApp().call("GET", "/docs/style.css", { key: null });
    expect(style.headers.get("Content-Type")).toContain("text/css");
  });
});
