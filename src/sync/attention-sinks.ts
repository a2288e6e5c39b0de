/** What sinks need a person for. Pure. */
import type { Attention, SinkReport } from "../contract/status.ts";
import type { StreamName } from "../contract/streams.ts";
import { counted, type Need } from "./needs.ts";

/** So many sinks are told with what they said; of others, only how many there are. */
const MOST_TOLD = 3;

const listed = (sinks: readonly SinkReport[], told: (sink: SinkReport) => string): string => {
  const more = sinks.length - MOST_TOLD;
  return [
    ...sinks.slice(0, MOST_TOLD).map(told),
    ...(more > 0 ? [`and ${counted(more, "more sink")}`] : []),
  ].join("; ");
};

const named = ({ name }: SinkReport): string => name;

const words = ({ name, last_error: said }: SinkReport): string => `${name}: ${said ?? "no reason was given"}`;

/** Since when: the earliest, if it is known of any. */
const sinceOf = (sinks: readonly SinkReport[], key: "stopped_since" | "dead_since"): Pick<Need, "since"> => {
  const times = sinks.flatMap((sink) => sink[key] ?? []);
  return times.length === 0 ? {} : { since: Math.min(...times) };
};

const need = (
  code: Attention["code"],
  severity: Attention["severity"],
  [detail, remedy, brief]: readonly [string, string, string?],
  sinks: readonly SinkReport[],
  since: Pick<Need, "since">,
): Need => ({
  code,
  severity,
  detail,
  remedy,
  ...(brief !== undefined && { brief }),
  about: sinks.map(({ name }) => name),
  ...since,
});

/** A receiver that has failed for so long is not going to recover before somebody looks at it, ms. */
const DOWN_AFTER_MS = 10 * 60_000;

const isDown = ({ state, stopped_since: since }: SinkReport, now: number): boolean =>
  state === "retrying" && since !== undefined && now - since >= DOWN_AFTER_MS;

/** The needs of a stream's sinks, one of each kind. @param now ms since the epoch */
export const sinkNeeds = (sinks: readonly SinkReport[], stream: StreamName, now: number): readonly Need[] => {
  const stopped = sinks.filter((sink) => sink.state === "stopped" || isDown(sink, now));
  const refusing = stopped.filter((sink) => sink.refusing === true);
  const others = stopped.filter((sink) => sink.refusing !== true);
  const dead = sinks.filter(({ dead_letters: n }) => n > 0);
  const tests = "POST /v1/test-connection tries each sink.";
  return [
    ...(others.length === 0
      ? []
      : [
          need(
            "sink_stopped",
            "error",
            [
              `Nothing is delivered to ${counted(others.length, "sink")}: ${listed(others, words)}.`,
              `Correct what the receiver says is wrong, or see why it does not answer: ${tests} Delivery is tried again by itself, within 5 minutes, and ` +
                "nothing is lost meanwhile.",
              `Nothing is delivered to ${counted(others.length, "sink")}: ${listed(others, named)}.`,
            ],
            others,
            sinceOf(others, "stopped_since"),
          ),
        ]),
    ...(refusing.length === 0
      ? []
      : [
          need(
            "sink_refusing",
            "error",
            [
              `${counted(refusing.length, "receiver")} ${refusing.length === 1 ? "refuses" : "refuse"} every event: ` +
                `${listed(refusing, words)}.`,
              "The receiver's answer says what it does not like: look at its index, its pipeline or its input, and at the " +
                `sink's format and dialect. ${tests} Nothing is dropped: delivery is tried again by itself.`,
              `${counted(refusing.length, "receiver")} ${refusing.length === 1 ? "refuses" : "refuse"} every event: ` +
                `${listed(refusing, named)}.`,
            ],
            refusing,
            sinceOf(refusing, "stopped_since"),
          ),
        ]),
    ...(dead.length === 0
      ? []
      : [
          need(
            "dead_letters",
            "warning",
            [
              `Receivers do not take some events although they take others: ` +
                `${listed(dead, ({ name, dead_letters: n }) => `${name}: ${counted(n, "dead letter")}`)}.`,
              `GET /v1/streams/${stream}/sinks/${dead[0]?.name ?? "NAME"}/dead-letters lists them with what the receiver ` +
                "said. POST there tries them again, or drops them.",
            ],
            dead,
            sinceOf(dead, "dead_since"),
          ),
        ]),
  ];
};
