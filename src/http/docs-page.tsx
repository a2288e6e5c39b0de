/** The reference page: the OpenAPI document as HTML, without scripts or files from other origins. */

import type { FC } from "hono/jsx";
import { isPlainObject } from "../lib/json.ts";
import { type ApiDocument, operationsOf } from "./openapi.ts";
import { problemCatalogue } from "./problems.ts";
import { fieldsOf, type SchemaLike, typeText } from "./schema-words.ts";
import { Table } from "./table.tsx";

type Operation = NonNullable<NonNullable<ApiDocument["paths"]>[string]["get"]>;

const defaultText = (schema: unknown): string =>
  isPlainObject(schema) && schema["default"] !== undefined ? JSON.stringify(schema["default"]) : "";

const text = (value: unknown): string => (typeof value === "string" ? value : "");

/** A description: text in backticks is shown as code, everything else as plain text. */
const Prose: FC<{ of: unknown }> = ({ of }) => (
  <>
    {text(of)
      .split("`")
      .map((part, index) => (index % 2 === 1 ? <code>{part}</code> : part))}
  </>
);

const Fields: FC<{ schema: unknown }> = ({ schema: whole }) => {
  const fields = fieldsOf(whole);
  if (fields.length === 0) return <p>{typeText(whole)}</p>;
  return (
    <Table heads={["Field", "Type", "Meaning"]}>
      {fields.map(({ path, optional, schema }) => (
        <tr>
          <td>
            <code>{path}</code>
            {optional ? " (optional)" : ""}
          </td>
          <td>{typeText(schema)}</td>
          <td>{isPlainObject(schema) ? <Prose of={schema["description"]} /> : ""}</td>
        </tr>
      ))}
    </Table>
  );
};

const Example: FC<{ value: unknown }> = ({ value }) =>
  value === undefined ? null : (
    <pre>{typeof value === "string" ? value : JSON.stringify(value, null, 2)}</pre>
  );

const Parameters: FC<{ of: Operation }> = ({ of }) => {
  const parameters = (of.parameters ?? []).filter((parameter) => "in" in parameter);
  if (parameters.length === 0) return null;
  return (
    <Table heads={["Parameter", "In", "Value", "Default", "Meaning"]}>
      {parameters.map((parameter) => (
        <tr>
          <td>
            <code>{parameter.name}</code>
          </td>
          <td>{parameter.in}</td>
          <td>{typeText(parameter.schema)}</td>
          <td>
            <code>{defaultText(parameter.schema)}</code>
          </td>
          <td>
            <Prose of={parameter.description} />
          </td>
        </tr>
      ))}
    </Table>
  );
};

const contentOf = (holder: unknown): [string, SchemaLike][] => {
  const content =
    isPlainObject(holder) && isPlainObject(holder["content"]) ? Object.entries(holder["content"]) : [];
  return content.flatMap(([type, media]): [string, SchemaLike][] =>
    isPlainObject(media) ? [[type, media]] : [],
  );
};

const Body: FC<{ of: Operation }> = ({ of }) => (
  <>
    {contentOf(of.requestBody).map(([type, media]) => (
      <>
        <h4>Body ({type})</h4>
        <Fields schema={media["schema"]} />
        <Example value={media["example"]} />
      </>
    ))}
  </>
);

const Answers: FC<{ of: Operation }> = ({ of }) => (
  <>
    <h4>Answers</h4>
    <ul>
      {Object.entries(of.responses ?? {}).map(([status, answer]) => (
        <li>
          <strong>{status}</strong> <Prose of={isPlainObject(answer) ? answer["description"] : ""} />
          {contentOf(answer).map(([type, media]) =>
            type === "application/problem+json" ? null : (
              <>
                {` ${type}: ${typeText(media["schema"])}`}
                <Example value={media["example"]} />
              </>
            ),
          )}
        </li>
      ))}
    </ul>
  </>
);

const anchor = (method: string, path: string): string => `${method}-${path.replace(/[^a-z0-9]+/gi, "-")}`;

const Route: FC<{ method: string; path: string; operation: Operation }> = ({ method, path, operation }) => (
  <article id={anchor(method, path)}>
    <h3>
      <code>
        {method.toUpperCase()} {path}
      </code>
    </h3>
    <p>
      <strong>{operation.summary}.</strong> <Prose of={operation.description} />{" "}
      {operation.security === undefined ? "No key is needed." : ""}
    </p>
    <Parameters of={operation} />
    <Body of={operation} />
    <Answers of={operation} />
  </article>
);

const Problems: FC = () => (
  <section>
    <h2 id="problems">Problems</h2>
    <p>
      The body of every problem is <code>application/problem+json</code>. Its <code>instance</code> is the
      request id, which is also in the header <code>X-Request-Id</code> and in the log.
    </p>
    <Table heads={["Code", "Status", "Meaning"]}>
      {Object.entries(problemCatalogue).map(([code, [status, , meaning]]) => (
        <tr id={`problem-${code}`}>
          <td>
            <code>{code}</code>
          </td>
          <td>{status}</td>
          <td>
            <Prose of={meaning} />
          </td>
        </tr>
      ))}
    </Table>
  </section>
);

const Schemas: FC<{ document: ApiDocument }> = ({ document }) => (
  <section>
    <h2 id="schemas">Documents</h2>
    {Object.entries(document.components?.schemas ?? {}).map(([name, schema]) => (
      <details id={`schema-${name}`}>
        <summary>
          <code>{name}</code> <Prose of={isPlainObject(schema) ? schema["description"] : ""} />
        </summary>
        <Fields schema={schema} />
        <Example value={isPlainObject(schema) ? schema["example"] : undefined} />
      </details>
    ))}
  </section>
);

export const DocsPage: FC<{ document: ApiDocument }> = ({ document }) => {
  const routes = operationsOf(document);
  const sections = (document.tags ?? []).map(({ name, description }) => ({
    name,
    description,
    routes: routes.filter(({ operation }) => operation.tags?.includes(name)),
  }));
  return (
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <title>{document.info.title}: API</title>
        <link rel="stylesheet" href="/docs/style.css" />
      </head>
      <body>
        <header>
          <h1>{document.info.title}: API</h1>
          <p>
            <Prose of={document.info.description} /> This page is also available as{" "}
            <a href="/openapi.json">openapi.json</a>.
          </p>
        </header>
        <nav aria-label="Routes">
          {sections.map(({ name, routes: own }) => (
            <ul>
              {own.map(({ method, path }) => (
                <li>
                  <a href={`#${anchor(method, path)}`}>
                    {method.toUpperCase()} {path}
                  </a>
                </li>
              ))}
              {own.length === 0 ? <li>{name}</li> : null}
            </ul>
          ))}
          <ul>
            <li>
              <a href="#problems">Problems</a>
            </li>
            <li>
              <a href="#schemas">Documents</a>
            </li>
          </ul>
        </nav>
        <main>
          <section>
            <h2>Authentication</h2>
            <p>
              Send one of the keys in the setting <code>API_KEYS</code> with every request:
            </p>
            <pre>{`curl -H "Authorization: Bearer $KEY" https://YOUR-WORKER/v1/streams`}</pre>
          </section>
          {sections.map((section) => (
            <section>
              <h2>{section.name}</h2>
              <p>{section.description}</p>
              {section.routes.map((route) => (
                <Route {...route} />
              ))}
            </section>
          ))}
          <Problems />
          <Schemas document={document} />
        </main>
      </body>
    </html>
  );
};

export const docsStyle = `:root{color-scheme:light dark;font:16px/1.5 system-ui,sans-serif}
body{margin:0 auto;max-width:64rem;padding:1rem}
nav{columns:2;font-size:.9rem}nav ul{margin:0;padding-left:1rem}
article{border-top:1px solid #8886;margin-top:1.5rem}
table{border-collapse:collapse;width:100%;font-size:.9rem;display:block;overflow-x:auto}
th,td{text-align:left;vertical-align:top;padding:.25rem .75rem .25rem 0;border-bottom:1px solid #8884}
pre{overflow:auto;padding:.75rem;background:#8882;border-radius:.25rem}
code,pre{font-family:ui-monospace,monospace;font-size:.9em}
details{margin:.5rem 0}:target{outline:2px solid #48f}
@media (max-width:40rem){nav{columns:1}}
`;
