/** With LOOKUP_CACHE=off, nothing of a look-up is written to KV, and answers are no worse. */
import { env } from "cloudflare:workers";
import { expect, it } from "vitest";
import { passTime } from "../support/time.ts";
import { newOrg } from "./support.ts";

const id = "00uJaneDoe1234567890";
const login = "jane@example.com";

Object.assign(env, { LOOKUP_CACHE: "off" });

it("found or not, by any name, KV stays empty", async () => {
  const org = await newOrg();
  await org.user({ id, profile: { login, email: login } });
  expect((await org.ask(login)).okta).toMatchObject({ found: true, cached: false });
  expect((await org.ask("jane")).okta).toMatchObject({ found: true });
  expect((await org.ask("nobody@example.com")).okta).toMatchObject({ found: false });
  expect(await org.cached()).toEqual([]);
  expect((await env.ENRICHMENT_CACHE.list()).keys).toEqual([]);

  // What is answered from memory is a minute old at most.
  passTime(61_000);
  await org.control("POST", `/users/${id}/suspend`);
  expect((await org.ask(login)).okta).toMatchObject({ cached: false, extracted: { status: "SUSPENDED" } });
});
