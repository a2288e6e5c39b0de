/** Somebody with a browser before an app over fakes. */
import { makeApp } from "../http/support.ts";

type AppOptions = Parameters<typeof makeApp>[0];

/** Sends forms as a browser does. */
export const visitorOf = (options: AppOptions = {}) => {
  const { call } = makeApp(options);
  const post = (path: string, form: Record<string, string>, headers: Record<string, string> = {}) =>
    call("POST", path, {
      key: null,
      body: new URLSearchParams(form).toString(),
      headers: {
        "Content-Type": "application/x-www-form-urlencoded",
        "Sec-Fetch-Site": "same-origin",
        ...headers,
      },
    });
  const get = (path: string, headers: Record<string, string> = {}) =>
    call("GET", path, { key: null, headers });
  const signIn = async (key: string, next = "/"): Promise<Response> =>
    post("/console/sign-in", { key, next });
  const cookieOf = async (key: string): Promise<string> => {
    const set = (await signIn(key)).headers.get("Set-Cookie") ?? "";
    return set.split(";")[0] ?? "";
  };
  return { call, post, get, signIn, cookieOf };
};
