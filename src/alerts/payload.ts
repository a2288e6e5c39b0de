/** What is sent to a channel. Pure. */
import type { AlertChannel } from "../config/alert-channels.ts";
import type { Alert } from "../contract/alerts.ts";

/** Slack's limit for the text of a message is 40,000 characters; nobody reads as much. */
const MOST_CHARACTERS = 3_000;

/** Text in Slack's markup (docs.slack.dev/messaging/formatting-message-text): only these three have a meaning in it. */
const slackText = (text: string): string =>
  text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");

const slackMessage = (alert: Alert): string => {
  const { code, severity, detail, remedy, connection, stream, since, resolved, link } = alert;
  const sign = resolved ? ":white_check_mark:" : severity === "error" ? ":red_circle:" : ":warning:";
  const where = [connection, ...(stream === null ? [] : [stream])].join("/");
  const seconds = Math.floor(Date.parse(since) / 1000);
  const when = `<!date^${seconds}^{date_short_pretty} {time}|${since}>`;
  const lines = [
    `${sign} *${slackText(`${where}: ${code}`)}*${resolved ? " has ended" : ""}`,
    slackText(detail),
    ...(resolved ? [] : [slackText(remedy)]),
    `Since ${when}${link === null ? "" : `. <${slackText(link)}|Open the console>`}`,
  ];
  return lines.join("\n").slice(0, MOST_CHARACTERS);
};

/** The body of the request that tells a channel, as JSON. */
export const bodyFor = ({ type }: Pick<AlertChannel, "type">, alert: Alert): string =>
  JSON.stringify(type === "slack" ? { text: slackMessage(alert) } : alert);
