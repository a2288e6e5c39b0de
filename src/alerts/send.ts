/** Sending one alert to a channel. */
import type { AlertChannel } from "../config/alert-channels.ts";
import type { Alert } from "../contract/alerts.ts";
import { describeAnswer, type SinkRequest, send } from "../delivery/request.ts";
import { bodyFor } from "./payload.ts";

/** What became of an alert. */
export interface Sent {
  readonly ok: boolean;
  /** Null if there was no answer. */
  readonly httpStatus: number | null;
  /** For people: what the channel answered. No secrets. */
  readonly message: string;
}

/** Sends an alert. Only 2xx says that the channel has taken it. */
export const sendAlert = async (
  fetcher: typeof fetch,
  channel: AlertChannel,
  alert: Alert,
): Promise<Sent> => {
  const { origin, pathname, search } = new URL(channel.url);
  const request: SinkRequest = {
    method: "POST",
    url: channel.url,
    label: `${origin}/…`,
    headers: { "content-type": "application/json" },
    body: bodyFor(channel, alert),
    secrets: [channel.url, pathname.slice(1), search.slice(1)],
    answerBytes: 1024,
  };
  const answer = await send(fetcher, request);
  if (!answer.ok) return { ok: false, httpStatus: answer.error.status, message: answer.error.message };
  const { status } = answer.value;
  const ok = status >= 200 && status < 300;
  return {
    ok,
    httpStatus: status,
    message: ok ? `The channel ${channel.name} has taken the alert.` : describeAnswer(request, answer.value),
  };
};

/** An alert that tells of nothing. @param now ms since the epoch */
export const testAlert = (channel: AlertChannel, connection: string, now: number): Alert => ({
  code: "test",
  severity: "warning",
  detail: `This is a test of the alert channel ${channel.name}. Nothing is wrong.`,
  remedy: "Nothing is to be done.",
  connection,
  stream: null,
  since: new Date(now).toISOString(),
  resolved: false,
  link: null,
});
