/** What all receivers share: they check what the real product checks, and keep what they took. */

export interface Delivered {
  readonly assetId: string;
  readonly sequence: number;
}

export interface Receiver {
  /** In order of arrival, repeats included. */
  readonly delivered: Delivered[];
  handle(request: Request): Promise<Response>;
}

export const json = (status: number, body: unknown, headers: Record<string, string> = {}): Response =>
  new Response(JSON.stringify(body), { status, headers: { "content-type": "application/json", ...headers } });

interface EventShape {
  readonly user: { readonly uid: string };
  /** Where the tests' own events have it. */
  readonly sequence?: number;
  /** Where OCSF has it. */
  readonly metadata?: { readonly sequence?: number };
  readonly poison?: boolean;
}

export const isEvent = (value: unknown): value is EventShape =>
  typeof value === "object" &&
  value !== null &&
  "user" in value &&
  ("sequence" in value || "metadata" in value);

export const deliveredOf = ({ user, sequence, metadata }: EventShape): Delivered => ({
  assetId: user.uid,
  sequence: sequence ?? metadata?.sequence ?? Number.NaN,
});

/** Users whose events a receiver does not understand, beside events that are marked so. */
export type Poisoned = ReadonlySet<string>;

export const isPoisoned = (event: EventShape, poisoned: Poisoned): boolean =>
  event.poison === true || poisoned.has(event.user.uid);

export const parse = (text: string): unknown => {
  try {
    return JSON.parse(text);
  } catch {
    return undefined; // What is no JSON is answered as such by the receiver.
  }
};

export const bytesToHex = (bytes: ArrayBuffer): string =>
  Array.from(new Uint8Array(bytes), (byte) => byte.toString(16).padStart(2, "0")).join("");

/** The newest state of every asset that a receiver holds. */
export const newestOf = (delivered: readonly Delivered[]): Map<string, number> =>
  new Map(
    [...delivered]
      .sort((a, b) => a.sequence - b.sequence)
      .map(({ assetId, sequence }) => [assetId, sequence]),
  );

/** Assets whose states did not arrive in order; a repeat of something older is out of order too. */
export const outOfOrder = (delivered: readonly Delivered[]): string[] => {
  const seen = new Map<string, number>();
  const wrong: string[] = [];
  for (const { assetId, sequence } of delivered) {
    if (sequence < (seen.get(assetId) ?? 0)) wrong.push(assetId);
    seen.set(assetId, sequence);
  }
  return wrong;
};
