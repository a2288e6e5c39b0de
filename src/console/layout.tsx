/** The frame around every page. */
import type { FC, PropsWithChildren } from "hono/jsx";
import { maxSearchLength } from "../http/bounds.ts";
import { linkTo, type View } from "./view.ts";
import { visible } from "./words.ts";

const pages = [
  ["/", "Overview"],
  ["/console/inventory", "Inventory"],
  ["/console/posture", "Posture"],
  ["/console/account", "Account"],
  ["/console/changes", "Changes"],
  ["/console/streams", "Streams"],
  ["/console/sinks", "Sinks"],
  ["/console/connection", "Connection"],
] as const;

const Document: FC<PropsWithChildren<{ title: string; refresh?: number }>> = ({
  title,
  refresh,
  children,
}) => (
  <html lang="en">
    <head>
      <meta charset="utf-8" />
      <meta name="viewport" content="width=device-width, initial-scale=1" />
      <meta name="color-scheme" content="light dark" />
      <title>{`${visible(title)} · Okta Edge Connector`}</title>
      <link rel="icon" href="/console/icon.svg" type="image/svg+xml" />
      {["frame", "parts", "charts"].map((name) => (
        <link rel="stylesheet" href={`/console/${name}.css`} />
      ))}
      <link rel="modulepreload" href="/console/carry.js" />
      <script type="module" src="/console/console.js" />
    </head>
    <body {...(refresh !== undefined && { "data-refresh": String(refresh) })}>
      <a class="skip" href="#main">
        Skip to the content
      </a>
      {children}
      <p id="said" class="said" role="status" aria-live="polite" />
    </body>
  </html>
);

const isCurrent = (path: string, here: string): boolean => {
  const [at = ""] = here.split("?");
  return path === "/" ? at === "/" : at === path || at.startsWith(`${path}/`);
};

const Header: FC<{ view: View }> = ({ view }) => (
  <header class="top">
    <a class="brand" href={linkTo(view, "/")}>
      <svg viewBox="0 0 16 16" width="16" height="16" aria-hidden="true">
        <path class="mark" d="M8 1a7 7 0 1 0 7 7h-3a4 4 0 1 1-4-4z" />
        <rect class="mark" x="10" y="1" width="5" height="5" />
      </svg>
      <span>Okta Edge Connector</span>
    </a>
    <nav aria-label="Pages">
      <ul class="tabs">
        {pages.map(([path, name]) => (
          <li>
            <a
              class="tab"
              href={linkTo(view, path)}
              {...(isCurrent(path, view.here) && { "aria-current": "page" })}
            >
              {name}
            </a>
          </li>
        ))}
      </ul>
    </nav>
    <search class="top-search">
      <form method="get" action="/console/inventory">
        {view.connection !== "default" && <input type="hidden" name="connection" value={view.connection} />}
        <input
          type="search"
          class="top-field"
          name="q"
          aria-label="Search the inventory: users, devices, groups"
          placeholder="Search the inventory"
          aria-keyshortcuts="/"
          autocomplete="off"
          maxlength={maxSearchLength}
          data-key="/"
        />
      </form>
    </search>
    <div class="top-end">
      {view.connections.length > 1 && (
        <form method="get" action={view.here.split("?")[0]} class="connection" data-pick="">
          <label>
            <span>Connection</span>
            <select name="connection">
              {view.connections.map((id) => (
                <option value={id} selected={id === view.connection}>
                  {id}
                </option>
              ))}
            </select>
          </label>
          <button type="submit">Go</button>
        </form>
      )}
      {view.rights === "read" && <span class="badge mute">Read only</span>}
      {view.session ? (
        <form method="post" action="/console/sign-out">
          <button type="submit" class="quiet">
            Sign out
          </button>
        </form>
      ) : (
        <a href="/cdn-cgi/access/logout">Sign out</a>
      )}
    </div>
  </header>
);

/** A page for a visitor who is signed in. `refresh` is how often the script reloads the live parts, in ms. */
export const Page: FC<
  PropsWithChildren<{ view: View; title: string; refresh?: number; notice?: string | null }>
> = ({ view, title, refresh, notice, children }) => (
  <Document title={title} {...(refresh !== undefined && { refresh })}>
    <Header view={view} />
    <main id="main" tabindex={-1}>
      <h1>
        <bdi>{visible(title)}</bdi>
      </h1>
      {notice && (
        <p class="note good" role="status">
          {notice}
        </p>
      )}
      {children}
    </main>
  </Document>
);

/** A page for a visitor who is not signed in. */
export const BarePage: FC<PropsWithChildren<{ title: string }>> = ({ title, children }) => (
  <Document title={title}>
    <main id="main" class="bare" tabindex={-1}>
      <h1>
        <bdi>{visible(title)}</bdi>
      </h1>
      {children}
    </main>
  </Document>
);
