/** The console of the Worker under test, as whoever is signed in sees it. */
import { exports } from "cloudflare:workers";
import { apiKey } from "./org.ts";

const ORIGIN = "https://connector.example.com";

/** Signs in. @returns gets a page by its path */
export const signedIn = async (): Promise<(path: string) => Promise<Response>> => {
  const answer = await exports.default.fetch(`${ORIGIN}/console/sign-in`, {
    method: "POST",
    redirect: "manual",
    headers: { "content-type": "application/x-www-form-urlencoded", "sec-fetch-site": "same-origin" },
    body: new URLSearchParams({ key: apiKey(), next: "/" }).toString(),
  });
  const cookie = (answer.headers.get("set-cookie") ?? "").split(";")[0] ?? "";
  return (path) => exports.default.fetch(`${ORIGIN}${path}`, { headers: { cookie } });
};
