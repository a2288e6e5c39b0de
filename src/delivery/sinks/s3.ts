/** S3 and stores that are compatible with it (MinIO, R2's S3 API) as a data lake, path-style. */
import { AwsV4Signer } from "aws4fetch";
import { sha256Hex, toHex } from "../../lib/bytes.ts";
import { err, ok, type Result } from "../../lib/result.ts";
import { isWebPage, notAccepted, webPageError } from "../answers.ts";
import { defineSink } from "../definition.ts";
import {
  type LakeOptions,
  lakeSink,
  lakeSnapshots,
  type ObjectStore,
  prefixKey,
  prefixOf,
  trialKey,
} from "../lake.ts";
import { type Answer, describeAnswer, type SinkRequest, send } from "../request.ts";
import { secretName, textLike, urlText } from "../settings-keys.ts";
import type { SinkSettings } from "../settings-types.ts";
import {
  type DeliveryError,
  type DeliveryErrorCode,
  retry,
  type Sink,
  type SinkTools,
  stopped,
} from "../sink.ts";
import { failedTest, judgeTrial, passed, undecided } from "../trial.ts";

interface S3Options extends LakeOptions {
  /** Without a trailing slash. */
  readonly endpoint: string;
  readonly region: string;
  readonly bucket: string;
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
}

type S3Settings = SinkSettings & S3Options;

/** What a store's answer means, and what to do about it. */
interface Meaning {
  /** Absent where the status says it. */
  readonly code?: DeliveryErrorCode;
  readonly remedy: string;
}

const regionRemedy = "set region to the bucket's, and endpoint to that region's";
const keyRemedy =
  "check access_key_id, and that the secret that secret_access_key_secret names belongs to it";

/** docs.aws.amazon.com, "Error responses" of the S3 API: those that more is known of than their status says. */
const meanings: Readonly<Record<string, Meaning>> = {
  SignatureDoesNotMatch: { code: "credential", remedy: keyRemedy },
  InvalidAccessKeyId: { code: "credential", remedy: keyRemedy },
  AccessDenied: {
    code: "credential",
    remedy: "allow the access key to put objects into this bucket (s3:PutObject)",
  },
  RequestTimeTooSkewed: {
    code: "configuration",
    remedy: "the store's clock and ours differ by more than 15 minutes: set the clock of the store's machine",
  },
  NoSuchBucket: { code: "configuration", remedy: "make the bucket, or correct bucket and endpoint" },
  InvalidBucketName: { code: "configuration", remedy: "correct bucket" },
  PermanentRedirect: { code: "configuration", remedy: regionRemedy },
  TemporaryRedirect: { code: "configuration", remedy: regionRemedy },
  AuthorizationHeaderMalformed: { code: "configuration", remedy: regionRemedy },
  IllegalLocationConstraintException: { code: "configuration", remedy: regionRemedy },
  SlowDown: { code: "rate_limited", remedy: "the store asks for fewer requests" },
  // Nothing that is wrong with the events: the request was cut off or damaged on its way.
  RequestTimeout: { code: "unavailable", remedy: "the request did not arrive in time" },
  IncompleteBody: { code: "unavailable", remedy: "the request broke off" },
  BadDigest: { code: "unavailable", remedy: "the request was changed on its way" },
  XAmzContentSHA256Mismatch: { code: "unavailable", remedy: "the request was changed on its way" },
  EntityTooLarge: { code: "too_large", remedy: "raise the size that the store takes" },
};

const entities: Readonly<Record<string, string>> = { amp: "&", lt: "<", gt: ">", quot: '"', apos: "'" };

/** The text of an element of an error's XML; null if there is none. Read leniently: not every store writes whole documents. */
const elementOf = (xml: string, name: string): string | null => {
  const [, text] = new RegExp(`<${name}>([^<]{0,1000})`).exec(xml) ?? [];
  const plain = text
    ?.replace(/&(amp|lt|gt|quot|apos);/g, (_, entity: string) => entities[entity] ?? "")
    .trim();
  return plain === undefined || plain === "" ? null : plain;
};

const meaningOf = ({ status, text }: Answer): Meaning | undefined => {
  const code = elementOf(text, "Code");
  if (code !== null && Object.hasOwn(meanings, code)) return meanings[code];
  return status >= 300 && status < 400 ? { remedy: regionRemedy } : undefined;
};

/** The answer in words: the store's code, what to do, and its message, without what else its XML repeats. */
const explained = (answer: Answer): Answer => {
  const { text, headers } = answer;
  const [code, message] = [elementOf(text, "Code"), elementOf(text, "Message")];
  const region = headers.get("x-amz-bucket-region") ?? elementOf(text, "Region");
  const meaning = meaningOf(answer);
  const parts = [
    code,
    meaning === undefined
      ? null
      : `(${meaning.remedy}${region === null ? "" : `; the bucket's region is ${region}`})`,
    message ?? (code === null ? text : null),
  ];
  return { ...answer, text: parts.filter((part) => part !== null).join(" ") };
};

/** A key as a path: what SigV4 leaves as it is, is as it is, so that the address and the signature agree. */
const pathOf = (key: string): string =>
  key
    .split("/")
    .map((part) =>
      encodeURIComponent(part).replace(/[!'()*]/g, (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`),
    )
    .join("/");

/** A request to the bucket, signed with SigV4. */
const signed = async (
  settings: S3Settings,
  tools: Pick<SinkTools, "now">,
  request: { method: "GET" } | { method: "PUT"; contentType: string; body: Uint8Array<ArrayBuffer> },
  key: string,
): Promise<SinkRequest> => {
  const { endpoint, bucket, region, accessKeyId, secretAccessKey } = settings;
  const body = request.method === "PUT" ? request.body : null;
  const hash =
    body === null ? await sha256Hex("") : toHex(new Uint8Array(await crypto.subtle.digest("SHA-256", body)));
  const signer = new AwsV4Signer({
    method: request.method,
    url: `${endpoint}/${pathOf(bucket)}/${pathOf(key)}`,
    headers: {
      "x-amz-content-sha256": hash,
      ...(request.method === "PUT" ? { "content-type": request.contentType } : {}),
    },
    accessKeyId,
    secretAccessKey,
    service: "s3",
    region,
    datetime: new Date(tools.now()).toISOString().replace(/[:-]|\.\d{3}/g, ""),
  });
  const { url, headers } = await signer.sign();
  return {
    method: request.method,
    url: url.href,
    label: `${endpoint}/${bucket}/…`,
    headers: Object.fromEntries(headers),
    ...(body === null ? {} : { body }),
    secrets: [secretAccessKey, accessKeyId],
  };
};

const storeOf = (settings: S3Settings, tools: SinkTools): ObjectStore => {
  /** That they cannot be made is the inventory's failure: the store has not been asked. */
  const made = async (
    contents: () => Promise<Uint8Array<ArrayBuffer>>,
  ): Promise<Result<Uint8Array<ArrayBuffer>, DeliveryError>> => {
    try {
      return ok(await contents());
    } catch (thrown) {
      const name = thrown instanceof Error ? thrown.name : "error";
      return err({ code: "inventory", status: null, message: `the inventory did not answer: ${name}` });
    }
  };
  return {
    async put(key, contentType, contents) {
      const body = await made(contents);
      if (!body.ok) return retry(body.error);
      const request = await signed(settings, tools, { method: "PUT", contentType, body: body.value }, key);
      const sent = await send(tools.fetch, request);
      if (!sent.ok) return retry(sent.error);
      const { status } = sent.value;
      if (status < 200 || status >= 300)
        return notAccepted(request, explained(sent.value), tools.now(), meaningOf(sent.value)?.code);
      return isWebPage(sent.value) ? stopped(webPageError(request, sent.value)) : { kind: "accepted" };
    },
  };
};

const openS3 = (settings: S3Settings, tools: SinkTools): Sink => ({
  ...lakeSink(settings, tools, storeOf(settings, tools)),
  /** Asks for an object that need not exist. */
  async test() {
    const request = await signed(settings, tools, { method: "GET" }, trialKey(settings, tools));
    const sent = await send(tools.fetch, request);
    const proven =
      "the store knows the access key and has the bucket; whether the key may write to it is not proven";
    if (!sent.ok) return judgeTrial(request, sent, proven, keyRemedy);
    const answer = sent.value;
    const code = elementOf(answer.text, "Code");
    if (answer.status === 404 && code === "NoSuchKey") return passed(404, proven);
    const message = describeAnswer(request, explained(answer));
    if (code === "AccessDenied") {
      return undecided(
        answer.status,
        message,
        "the store knows the access key, which may not read; the first delivery will show whether it may write",
      );
    }
    const meaning = meaningOf(answer);
    if (meaning !== undefined && answer.status < 500)
      return failedTest(answer.status, message, meaning.remedy);
    return judgeTrial(request, { ok: true, value: explained(answer) }, proven, keyRemedy);
  },
});

/** Whether an address begins with the bucket's name, as the other style of addresses does. */
const isVirtualHost = (endpoint: string, bucket: string): boolean => {
  const { hostname } = new URL(endpoint);
  return (
    hostname.startsWith(`${bucket}.`) &&
    /^(s3[.-]|[0-9a-f]{32}\.(\w+\.)?r2\.cloudflarestorage\.com$)/.test(hostname.slice(bucket.length + 1))
  );
};

export const s3 = defineSink({
  type: "s3",
  dialect: "ocsf",
  endpoints: "one",
  keys: {
    endpoint: urlText,
    region: textLike(
      /^[0-9A-Za-z-]{1,64}$/,
      "it must be the bucket's region, for example eu-west-1; auto for R2, us-east-1 for MinIO unless it was set",
    ),
    // docs.aws.amazon.com, "General purpose bucket naming rules".
    bucket: textLike(
      /^(?!.*\.\.)[0-9a-z][0-9a-z.-]{1,61}[0-9a-z]$/,
      "it must be the bucket's name: 3 to 63 lower-case letters, digits, dots and hyphens, for example okta-events",
    ),
    prefix: prefixKey.refine(
      (prefix) => prefix.split("/").every((part) => part !== "." && part !== ".."),
      "it must not hold . or .. between slashes; a valid value looks like okta/",
    ),
    access_key_id: textLike(
      /^[0-9A-Za-z._+-]{1,128}$/,
      "it must be the access key's ID, for example AKIAIOSFODNN7EXAMPLE; only its secret is named by secret_access_key_secret",
    ),
    secret_access_key_secret: secretName,
  },
  resolve: (written, resolver): S3Options => {
    const { bucket } = written;
    // R2 shows the endpoint with the bucket at its end.
    const ending = new RegExp(`/${bucket.replaceAll(".", "\\.")}$`);
    const endpoint = resolver.baseUrl("endpoint", written.endpoint, ending);
    if (isVirtualHost(endpoint, bucket)) {
      const message =
        "it begins with the bucket's name, which belongs into bucket alone; a valid value looks like https://s3.eu-west-1.amazonaws.com";
      resolver.refuse("endpoint", message);
    }
    return {
      endpoint,
      region: written.region,
      bucket,
      prefix: prefixOf(written.prefix),
      accessKeyId: written.access_key_id,
      secretAccessKey: resolver.secret("secret_access_key_secret", written.secret_access_key_secret, "key"),
    };
  },
  open: openS3,
  snapshots: (settings, tools) => lakeSnapshots(settings, tools, storeOf(settings, tools)),
});
