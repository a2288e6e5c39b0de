/**
 * A store that speaks S3, path-style. Signatures are checked by Smithy's signer, over the path as the store understands
 * it: decoded, and encoded again as AWS documents ("UriEncode" in "Create a signed AWS API request").
 */
import { Sha256 } from "@aws-crypto/sha256-js";
import { SignatureV4 } from "@smithy/signature-v4";
import type { Receiver } from "./receiver.ts";
import { bytesToHex, type Delivered, deliveredOf, isEvent, parse } from "./receiver.ts";

export interface S3ReceiverOptions {
  readonly bucket: string;
  readonly region: string;
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  /** Ms since the epoch, for the age of signatures. */
  readonly now: () => number;
}

const errorXml = (status: number, code: string, message: string, extra = ""): Response =>
  new Response(
    `<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>${code}</Code><Message>${message}</Message>${extra}<RequestId>4442587FB7D0A2F9</RequestId></Error>`,
    { status, headers: { "content-type": "application/xml" } },
  );

/** RFC 3986's unreserved characters stay as they are. */
const uriEncode = (text: string): string =>
  Array.from(new TextEncoder().encode(text), (byte) => {
    const character = String.fromCharCode(byte);
    return /[A-Za-z0-9._~-]/.test(character)
      ? character
      : `%${byte.toString(16).toUpperCase().padStart(2, "0")}`;
  }).join("");

/** When a request was signed, ms since the epoch. */
const timeOf = (headers: Headers): number =>
  Date.parse(
    (headers.get("x-amz-date") ?? "").replace(
      /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/,
      "$1-$2-$3T$4:$5:$6Z",
    ),
  );

/** The Authorization that a request should have. @param url as it came */
export const authorizationOf = async (
  { region, accessKeyId, secretAccessKey }: Omit<S3ReceiverOptions, "bucket" | "now">,
  request: {
    readonly method: string;
    readonly url: URL;
    readonly headers: Headers;
    readonly body: Uint8Array<ArrayBuffer>;
  },
): Promise<string | undefined> => {
  const { method, url, headers, body } = request;
  const signer = new SignatureV4({
    service: "s3",
    region,
    credentials: { accessKeyId, secretAccessKey },
    sha256: Sha256,
    uriEscapePath: false,
    applyChecksum: true,
  });
  const signed = await signer.sign(
    {
      method,
      protocol: url.protocol,
      hostname: url.hostname,
      path: url.pathname
        .split("/")
        .map((part) => uriEncode(decodeURIComponent(part)))
        .join("/"),
      headers: {
        host: url.host,
        "x-amz-date": headers.get("x-amz-date") ?? "",
        "x-amz-content-sha256": headers.get("x-amz-content-sha256") ?? "",
      },
      body,
    },
    { signingDate: new Date(timeOf(headers)) },
  );
  return signed.headers["authorization"];
};

export class S3Receiver implements Receiver {
  readonly delivered: Delivered[] = [];
  /** By key: the type and the bytes. */
  readonly objects = new Map<string, { readonly type: string; readonly bytes: Uint8Array<ArrayBuffer> }>();
  mayRead = true;
  readonly options: S3ReceiverOptions;

  constructor(options: S3ReceiverOptions) {
    this.options = options;
  }

  /** What an object holds, decompressed. */
  async textOf(key: string): Promise<string> {
    const object = this.objects.get(key);
    if (object === undefined) throw new Error(`there is no ${key}`);
    const stream = new Blob([object.bytes]).stream();
    return new Response(
      key.endsWith(".gz") ? stream.pipeThrough(new DecompressionStream("gzip")) : stream,
    ).text();
  }

  async handle(request: Request): Promise<Response> {
    const { options } = this;
    const body = new Uint8Array(await request.arrayBuffer());
    // The local server does not tell its own port, but the Host header does.
    const url = new URL(request.url);
    url.host = request.headers.get("host") ?? url.host;
    const given = request.headers.get("authorization") ?? "";
    const [, id, region] =
      /^AWS4-HMAC-SHA256 Credential=([^/]+)\/\d{8}\/([^/]+)\/s3\/aws4_request, /.exec(given) ?? [];
    if (id !== options.accessKeyId) {
      return errorXml(
        403,
        "InvalidAccessKeyId",
        "The AWS Access Key Id you provided does not exist in our records.",
        `<AWSAccessKeyId>${id}</AWSAccessKeyId>`,
      );
    }
    if (region !== options.region) {
      const message = `The authorization header is malformed; the region &apos;${region}&apos; is wrong; expecting &apos;${options.region}&apos;`;
      return errorXml(400, "AuthorizationHeaderMalformed", message, `<Region>${options.region}</Region>`);
    }
    const hash = bytesToHex(await crypto.subtle.digest("SHA-256", body));
    if (request.headers.get("x-amz-content-sha256") !== hash)
      return errorXml(
        400,
        "XAmzContentSHA256Mismatch",
        "The provided 'x-amz-content-sha256' header does not match",
      );
    const expected = await authorizationOf(options, {
      method: request.method,
      url,
      headers: request.headers,
      body,
    });
    if (given !== expected) {
      return errorXml(
        403,
        "SignatureDoesNotMatch",
        "The request signature we calculated does not match the signature you provided.",
        `<AWSAccessKeyId>${id}</AWSAccessKeyId><StringToSign>AWS4-HMAC-SHA256</StringToSign><SignatureProvided>${given}</SignatureProvided>`,
      );
    }
    if (Math.abs(timeOf(request.headers) - options.now()) > 15 * 60_000) {
      const message = "The difference between the request time and the current time is too large.";
      return errorXml(403, "RequestTimeTooSkewed", message);
    }
    const [, bucket, ...rest] = url.pathname.split("/").map(decodeURIComponent);
    const key = rest.join("/");
    if (bucket !== options.bucket)
      return errorXml(
        404,
        "NoSuchBucket",
        "The specified bucket does not exist",
        `<BucketName>${bucket}</BucketName>`,
      );
    if (request.method === "GET") {
      if (!this.mayRead) return errorXml(403, "AccessDenied", "Access Denied");
      return this.objects.has(key)
        ? new Response("")
        : errorXml(404, "NoSuchKey", "The specified key does not exist.");
    }
    if (request.method !== "PUT") return errorXml(405, "MethodNotAllowed", "not allowed");
    this.objects.set(key, { type: request.headers.get("content-type") ?? "", bytes: body });
    if (key.endsWith(".ndjson.gz") && !key.includes("snapshots/")) {
      const events = (await this.textOf(key)).split("\n").filter(Boolean).map(parse);
      this.delivered.push(...events.filter(isEvent).map(deliveredOf));
    }
    return new Response("", { status: 200, headers: { etag: `"${hash.slice(0, 32)}"` } });
  }
}
