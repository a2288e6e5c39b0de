/** The Prometheus text format, version 0.0.4. */

export type Labels = Readonly<Record<string, string>>;

export interface Sample {
  readonly labels: Labels;
  readonly value: number;
  /** Appended to the family's name, for histograms. */
  readonly suffix?: "_bucket" | "_sum" | "_count";
}

export interface MetricFamily {
  /** Begins with `okta_edge_`, and ends with the unit where there is one. */
  readonly name: string;
  readonly help: string;
  readonly type: "counter" | "gauge" | "histogram";
  readonly samples: readonly Sample[];
}

export const prometheusContentType = "text/plain; version=0.0.4; charset=utf-8";

const escapeLabel = (value: string): string =>
  value.replaceAll("\\", "\\\\").replaceAll('"', '\\"').replaceAll("\n", "\\n");

const escapeHelp = (text: string): string => text.replaceAll("\\", "\\\\").replaceAll("\n", "\\n");

const number = (value: number): string => {
  if (Number.isNaN(value)) return "NaN";
  if (Number.isFinite(value)) return String(value);
  return value > 0 ? "+Inf" : "-Inf";
};

const line = (family: string, { labels, value, suffix }: Sample): string => {
  const name = `${family}${suffix ?? ""}`;
  const pairs = Object.entries(labels).map(([label, text]) => `${label}="${escapeLabel(text)}"`);
  return `${name}${pairs.length === 0 ? "" : `{${pairs.join(",")}}`} ${number(value)}\n`;
};

/**
 * Writes families as text. The format wants all samples of a name in one group, so families of the same name are
 * joined. Families without samples are left out.
 */
export const prometheusText = (families: readonly MetricFamily[]): string => {
  const byName = new Map<string, { head: MetricFamily; samples: Sample[] }>();
  for (const family of families) {
    const known = byName.get(family.name);
    if (known === undefined) byName.set(family.name, { head: family, samples: [...family.samples] });
    else known.samples.push(...family.samples);
  }
  return [...byName.values()]
    .filter(({ samples }) => samples.length > 0)
    .map(
      ({ head: { name, help, type }, samples }) =>
        `# HELP ${name} ${escapeHelp(help)}\n# TYPE ${name} ${type}\n` +
        samples.map((sample) => line(name, sample)).join(""),
    )
    .join("");
};
