/** The description of the API, for programs and for people. It is public, because it says nothing about the deployment. */
import { createRoute } from "@hono/zod-openapi";
import * as z from "zod";
import type { App } from "../deps.ts";
import { DocsPage, docsStyle } from "../docs-page.tsx";
import { pagePolicy } from "../hardening.ts";
import { type ApiDocument, apiDocument } from "../openapi.ts";
import { raw } from "../raw.ts";

const cached = { "Cache-Control": "public, max-age=300" };

const document = createRoute({
  method: "get",
  path: "/openapi.json",
  tags: ["Service"],
  summary: "This description as an OpenAPI 3.1 document",
  responses: {
    200: {
      description: "The OpenAPI 3.1 document.",
      content: { "application/json": { schema: z.looseObject({ openapi: z.string() }) } },
    },
  },
});

const page = createRoute({
  method: "get",
  path: "/docs",
  tags: ["Service"],
  summary: "This description as an HTML page",
  responses: { 200: { description: "The page.", content: { "text/html": { schema: z.string() } } } },
});

/** Registers the description's routes. It must be called after every route that the description should contain. */
export const docsRoutes = (app: App): void => {
  let made: ApiDocument | undefined;
  let rendered: string | undefined;
  const described = (): ApiDocument => {
    made ??= apiDocument(app);
    return made;
  };

  app.openapi(document, (c) => raw(c.json(described(), 200, cached)));

  app.openapi(page, () => {
    // It is the same until the next deploy, and rendering it takes more time than any other page.
    rendered ??= `<!DOCTYPE html>${String(<DocsPage document={described()} />)}`;
    return raw(
      new Response(rendered, {
        headers: {
          ...cached,
          "Content-Type": "text/html; charset=utf-8",
          "Content-Security-Policy": pagePolicy,
        },
      }),
    );
  });

  app.get("/docs/style.css", (c) => c.body(docsStyle, 200, { ...cached, "Content-Type": "text/css" }));
};
