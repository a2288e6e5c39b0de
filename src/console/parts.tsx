/** The components that pages are made of. */
import type { Child, FC, PropsWithChildren } from "hono/jsx";
import { type Head, Table as PlainTable } from "../http/table.tsx";
import type { Problem } from "./api.ts";
import type { View } from "./view.ts";
import {
  ago,
  number,
  percent,
  shortened,
  spelled,
  statusTone,
  type Tone,
  utc,
  visible,
  visibleJson,
} from "./words.ts";

/**
 * Text that comes from elsewhere. Invisible characters are shown, its writing direction does not affect its
 * surroundings, and it is cut when it is so long that it would fill the page.
 */
export const Text: FC<{ of: string | null | undefined; max?: number; none?: string }> = ({
  of,
  max = 300,
  none = "–",
}) => {
  if (of === null || of === undefined || of.trim() === "") return <span class="none">{none}</span>;
  const all = visible(of);
  const shown = shortened(all, max);
  return <bdi {...(shown !== all && { title: shortened(all, 500) })}>{shown}</bdi>;
};

/** A time. The script shows it in the viewer's time zone, or keeps `3 min ago` up to date. Its title is the exact time. */
export const Time: FC<{ at: string | number | null | undefined; now?: number; none?: string }> = ({
  at,
  now,
  none = "never",
}) => {
  const ms = typeof at === "string" ? Date.parse(at) : (at ?? Number.NaN);
  if (Number.isNaN(ms)) return <span class="none">{none}</span>;
  const iso = new Date(ms).toISOString();
  return (
    <time datetime={iso} title={iso} data-time={now === undefined ? "clock" : "ago"}>
      {now === undefined ? utc(iso) : ago(ms, now)}
    </time>
  );
};

export const Badge: FC<PropsWithChildren<{ tone: Tone }>> = ({ tone, children }) => (
  <span class={`badge ${tone}`}>{children}</span>
);

/** A status as Okta spells it, in words. */
export const Status: FC<{ of: string; deleted?: boolean }> = ({ of, deleted = false }) =>
  deleted ? (
    <Badge tone="bad">Deleted</Badge>
  ) : (
    <Badge tone={statusTone(of)}>
      <Text of={spelled(of)} max={40} />
    </Badge>
  );

/** Yes, no or unknown. An unknown value is never shown as a no. */
export const Truth: FC<{ of: boolean | null; yes?: string; no?: string; good?: boolean }> = ({
  of,
  yes = "Yes",
  no = "No",
  good,
}) => {
  if (of === null) return <Badge tone="mute">Unknown</Badge>;
  const tone = good === undefined ? "mute" : of === good ? "good" : "warn";
  return <Badge tone={tone}>{of ? yes : no}</Badge>;
};

export const Section: FC<PropsWithChildren<{ title: string; id: string; aside?: Child; live?: boolean }>> = ({
  title,
  id,
  aside,
  live = false,
  children,
}) => (
  <section id={id} aria-labelledby={`${id}-title`} {...(live && { "data-live": "" })}>
    <header class="section-head">
      <h2 id={`${id}-title`}>
        <bdi>{visible(title)}</bdi>
      </h2>
      {aside}
    </header>
    {children}
  </section>
);

export const Empty: FC<PropsWithChildren> = ({ children }) => <p class="empty">{children}</p>;

/** A problem in the API's own words, with every setting that it names. */
export const ProblemNote: FC<{ of: Problem }> = ({ of }) => (
  <div class="note bad" role="alert">
    <p>
      <strong>{of.title}.</strong> <Text of={of.detail} max={600} />
    </p>
    {of.problems !== undefined && of.problems.length > 0 && (
      <ul>
        {of.problems.map(({ setting, message }) => (
          <li>
            <code>{setting}</code>: <Text of={message} max={600} />
          </li>
        ))}
      </ul>
    )}
  </div>
);

/** A table that scrolls sideways when it is too wide. The keyboard can reach it. */
export const Table: FC<PropsWithChildren<{ label: string; heads: readonly (string | Head)[] }>> = ({
  label,
  heads,
  children,
}) => (
  <section class="scroll" aria-label={label} tabindex={0}>
    <PlainTable heads={heads}>{children}</PlainTable>
  </section>
);

/** JSON as text, in a box that scrolls. */
export const Json: FC<{ id: string; label: string; of: unknown }> = ({ id, label, of }) => (
  <section class="scroll" aria-label={label} tabindex={0}>
    <pre id={id}>{visibleJson(JSON.stringify(of, null, 2))}</pre>
  </section>
);

/**
 * A button that copies the text of an element. Only the script can do that, so only the script shows the button.
 * @param isShort whether the text is short enough to be read out with the button
 */
export const CopyButton: FC<{ of: string; isShort?: boolean }> = ({ of, isShort = false }) => (
  <button type="button" class="plain" data-copy={of} {...(isShort && { "aria-describedby": of })} hidden>
    Copy
  </button>
);

/** A list of labels and values. */
export const Facts: FC<{ of: readonly (readonly [label: string, value: Child] | null)[] }> = ({ of }) => (
  <dl class="facts">
    {of
      .filter((fact) => fact !== null)
      .map(([label, value]) => (
        <div>
          <dt>{label}</dt>
          <dd>{value}</dd>
        </div>
      ))}
  </dl>
);

/** A number with a label, which links to what it counts. */
export const Card: FC<{ label: string; value: number; of?: number; href?: string; tone?: Tone }> = ({
  label,
  value,
  of,
  href,
  tone,
}) => {
  const inside = (
    <>
      <span class="card-label">{label}</span>
      <span class={`card-value ${value > 0 ? (tone ?? "") : ""}`}>{number(value)}</span>
      {of !== undefined && <span class="card-share">{percent(value, of)}</span>}
    </>
  );
  return href === undefined ? (
    <div class="card">{inside}</div>
  ) : (
    <a class="card" href={href}>
      {inside}
    </a>
  );
};

export interface Bar {
  readonly label: string;
  readonly value: number;
  readonly href?: string;
  readonly tone?: Tone;
}

/** Counts as bars on one scale, the greatest first. Each links to what it counts. */
export const Bars: FC<{ of: readonly Bar[]; total: number }> = ({ of, total }) => {
  const most = Math.max(1, ...of.map(({ value }) => value));
  return (
    <ul class="bars">
      {[...of]
        .sort((a, b) => b.value - a.value)
        .map(({ label, value, href, tone = "busy" }) => (
          <li>
            <span>
              {href === undefined ? (
                <Text of={label} max={40} />
              ) : (
                <a href={href}>
                  <Text of={label} max={40} />
                </a>
              )}
            </span>
            <svg class="bar" viewBox="0 0 100 8" preserveAspectRatio="none" aria-hidden="true">
              <rect class="track" width="100" height="8" />
              <rect class={tone} width={value === 0 ? 0 : Math.max(0.8, (value / most) * 100)} height="8" />
            </svg>
            <span class="bar-value">{number(value)}</span>
            <span class="bar-share">{percent(value, total)}</span>
          </li>
        ))}
    </ul>
  );
};

/** A button that performs an action. Visitors who may only read do not get it. The script sends it without leaving the page. */
export const Action: FC<
  PropsWithChildren<{
    view: View;
    to: string;
    label: string;
    fields?: Readonly<Record<string, string>>;
    kind?: "main" | "plain" | "danger";
    about?: string;
  }>
> = ({ view, to, label, fields = {}, kind = "plain", about, children }) =>
  view.rights !== "full" ? null : (
    <form class="action" method="post" action={to} data-send="">
      {Object.entries(fields).map(([name, value]) => (
        <input type="hidden" name={name} value={value} />
      ))}
      {children}
      <button type="submit" class={kind} {...(about !== undefined && { "aria-label": `${label}: ${about}` })}>
        {label}
      </button>
    </form>
  );
