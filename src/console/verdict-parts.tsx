/** The verdict of the malice rules on an account, with the rule that gave it, or why it is undecided. */
import type { FC } from "hono/jsx";
import type { Evaluation } from "../enrichment/verdict.ts";
import { Badge, Text } from "./parts.tsx";
import type { Tone } from "./words.ts";

const verdictTones: Readonly<Record<string, Tone>> = {
  Malicious: "bad",
  Suspicious: "warn",
  Benign: "good",
  Pending: "mute",
};

/** @param verdict null: there is none. @param evaluation null: no rules are set */
export const Verdict: FC<{ verdict: string | null; evaluation: Evaluation | null }> = ({
  verdict,
  evaluation,
}) => (
  <div class="verdict">
    {verdict === null ? (
      <Badge tone="mute">No verdict</Badge>
    ) : (
      <Badge tone={verdictTones[verdict] ?? "mute"}>{verdict}</Badge>
    )}{" "}
    <span class="sub">
      {evaluation === null ? (
        "No malice rules are set."
      ) : evaluation.rule !== null ? (
        <>
          by <code>{evaluation.rule.path}</code>: <Text of={evaluation.rule.why} max={300} />
        </>
      ) : evaluation.undecided.length > 0 ? (
        <>
          Undecided, because it is not known:{" "}
          {evaluation.undecided.map(({ rule, unknown }, index) => (
            <>
              {index > 0 && "; "}
              <Text of={unknown.join(", ")} max={120} /> (<code>{rule}</code>)
            </>
          ))}
        </>
      ) : evaluation.source === "none" ? (
        "No rule matched."
      ) : (
        <>
          by <code>{evaluation.source}</code>
        </>
      )}
    </span>
  </div>
);
