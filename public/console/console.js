/**
 * What scripting adds to the console's pages, which also work without it: live parts are reloaded, forms are sent
 * without leaving the page, the progress of a test is shown, times are shown in the viewer's time zone, the key `/`
 * moves to the search field, and JSON can be copied.
 */
import { carry, carryLive, carryMain, enhance, parsed, tellTimes } from "./carry.js";

// ---- Messages to the viewer ---------------------------------------------------------------------------------

const said = /** @type {HTMLElement} */ (document.querySelector("#said"));

/**
 * Shows a message at the foot of the page, which screen readers also read out.
 * @param {string} text the message; empty removes it
 * @param {string} [href] a page to sign in on
 */
const say = (text, href) => {
  if (said.dataset["text"] === text) return;
  said.dataset["text"] = text;
  said.replaceChildren(text);
  if (href !== undefined) {
    const link = document.createElement("a");
    link.href = href;
    link.textContent = "Sign in";
    said.append(" ", link);
  }
};

// ---- Reloading live parts ------------------------------------------------------------------------------------

let failures = 0;
let stopped = false;
/** Counts the actions of the viewer. A page that was requested before an action is out of date after it. */
let acts = 0;

/**
 * A viewer who is no longer signed in gets the sign-in page instead of every other page.
 * @param {Document} page
 */
const isSignIn = (page) => page.querySelector("form.sign-in") !== null;

const signInHere = () =>
  `/console/sign-in?${new URLSearchParams({ next: location.pathname + location.search, reason: "expired" })}`;

const readAgain = async () => {
  const before = acts;
  const response = await fetch(location.href, { cache: "no-store" });
  // A gateway's error page, or a Worker that is being replaced: the page on the screen is more useful.
  if (!response.ok) throw new Error(String(response.status));
  const page = parsed(await response.text());
  if (isSignIn(page)) {
    stopped = true;
    say("Your session is over. What you see is not up to date.", signInHere());
    return;
  }
  if (before === acts) carryLive(page);
  failures = 0;
  say("");
};

/** How long until the page is reloaded, ms. A page without live parts is never reloaded. */
const restMs = () => {
  const wanted = Number(document.body.dataset["refresh"] ?? Number.POSITIVE_INFINITY);
  return failures === 0 ? wanted : Math.min(15_000, 1_000 * 2 ** failures);
};

const TICK_MS = 250;
let readAt = Date.now();

/** Checks often whether it is time to reload, because an action or a reload may have changed how soon that is. */
const keepReading = async () => {
  while (!stopped) {
    await new Promise((resolve) => setTimeout(resolve, TICK_MS));
    if (document.hidden || Date.now() - readAt < restMs()) continue;
    try {
      await readAgain();
    } catch {
      // The network is down, or the Worker is restarting. The viewer is told, and it is tried until it works.
      failures += 1;
      if (failures > 1) say("The connector does not answer. Trying again; what you see is not up to date.");
    }
    readAt = Date.now();
  }
};

// ---- Forms ---------------------------------------------------------------------------------------------------

/** Asks for a streamed answer where there is one, otherwise for a page. */
const accepted = "application/x-ndjson, text/html;q=0.9";

/**
 * @param {HTMLFormElement} form
 * @param {HTMLElement | null} submitter
 */
const send = async (form, submitter) => {
  const data = new URLSearchParams(
    [...new FormData(form, submitter)].map(([name, value]) => [name, String(value)]),
  );
  // Not `form.action`: a field with the name `action` would hide it.
  const url = new URL(form.getAttribute("action") ?? "", location.href);
  const isGet = form.getAttribute("method") === "get";
  if (isGet) url.search = data.toString();
  const response = await fetch(
    url,
    isGet ? {} : { method: "POST", body: data, headers: { Accept: accepted } },
  );
  void following?.cancel();
  following = null;
  if (response.headers.get("Content-Type") === "application/x-ndjson" && response.body !== null) {
    await follow(response.body);
    return;
  }
  const page = parsed(await response.text());
  if (isSignIn(page)) {
    location.assign(signInHere());
    return;
  }
  acts += 1;
  // A notice is shown only once, and the address that answered a form cannot be reloaded.
  const shown = new URL(response.redirected || isGet ? response.url : location.href);
  const notice = page.querySelector("main > .note[role=status]")?.textContent ?? "";
  shown.searchParams.delete("notice");
  if (isGet && shown.href !== location.href) history.pushState(null, "", shown);
  else history.replaceState(null, "", shown);
  carryMain(page);
  if (!isGet && response.ok) for (const box of checkboxes(form)) box.checked = false;
  if (notice === "") focusAnswer();
  say(notice);
  setTimeout(() => said.dataset["text"] === notice && say(""), 8_000);
};

const focusAnswer = () => {
  const target =
    document.querySelector("#result, #answer") ?? document.querySelector("main .note[role=alert]");
  if (!(target instanceof HTMLElement)) return;
  target.tabIndex = -1;
  target.focus({ preventScroll: false });
};

/**
 * @param {HTMLFormElement} form
 * @returns {HTMLInputElement[]}
 */
const checkboxes = (form) => [...form.querySelectorAll("input")].filter(({ type }) => type === "checkbox");

document.addEventListener("submit", async (event) => {
  const form = event.target;
  if (!(form instanceof HTMLFormElement) || !("send" in form.dataset)) return;
  event.preventDefault();
  if (form.getAttribute("aria-busy") === "true") return;
  form.setAttribute("aria-busy", "true");
  try {
    await send(form, event.submitter);
  } catch {
    say("That could not be sent: the connector does not answer. Try again.");
  } finally {
    form.removeAttribute("aria-busy");
  }
});

// ---- A test in progress --------------------------------------------------------------------------------------

/** @typedef {{ id: string, html: string, last?: true }} Part see src/console/test-stream.tsx */

/** Longer than any check takes, ms. */
const SILENCE_MS = 60_000;

/**
 * The test that is shown in progress. The answer to a newer form replaces it.
 * @type {ReadableStreamDefaultReader<string> | null}
 */
let following = null;

/**
 * Puts each part into the page as it arrives. When the last part never arrives, the test was cut off.
 * @param {ReadableStream<Uint8Array<ArrayBuffer>>} body
 */
const follow = async (body) => {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  following = reader;
  let isWhole = false;
  let parts = 0;
  try {
    for await (const line of linesOf(reader)) {
      if (following !== reader) return;
      /** @type {Part} */
      const part = JSON.parse(line);
      const [ours, theirs] = [document, parsed(part.html)].map((page) => page.getElementById(part.id));
      if (ours && theirs) carry(ours, theirs);
      acts += 1;
      isWhole = part.last === true;
      parts += 1;
      if (parts > 1) continue;
      focusAnswer();
      say("");
    }
  } catch {
    // The connection broke, or the Worker was replaced.
  }
  if (following !== reader) return;
  following = null;
  if (!isWhole) tellCutOff();
};

/**
 * @param {ReadableStreamDefaultReader<string>} reader
 * @returns {AsyncGenerator<string>}
 */
async function* linesOf(reader) {
  let rest = "";
  for (;;) {
    const quiet = setTimeout(() => reader.cancel(), SILENCE_MS);
    const { done, value } = await reader.read().finally(() => clearTimeout(quiet));
    if (done) return;
    const lines = (rest + value).split("\n");
    rest = lines.pop() ?? "";
    yield* lines;
  }
}

/** Says that the test was cut off. Checks without a result become unknown. */
const tellCutOff = () => {
  const note = document.querySelector("#result > .note.busy");
  if (note === null) {
    say("The test was cut off: the connector does not answer. Try again.");
    return;
  }
  note.className = "note bad";
  note.textContent =
    "The test was cut off, because the connector stopped answering. What it had found is shown below. Test again for the rest.";
  for (const badge of document.querySelectorAll("#result [data-trying]")) {
    badge.className = "badge mute";
    badge.textContent = "Unknown";
  }
};

// Going back to a page that was left by a form: reload it from its address.
addEventListener("popstate", () => location.reload());

document.addEventListener("change", (event) => {
  const { target } = event;
  if (target instanceof HTMLSelectElement && target.form !== null && "pick" in target.form.dataset) {
    target.form.requestSubmit();
  }
});

// ---- Copying ---------------------------------------------------------------------------------------------------

document.addEventListener("click", async (event) => {
  const button = event.target instanceof Element ? event.target.closest("button[data-copy]") : null;
  const source = document.getElementById(button?.getAttribute("data-copy") ?? "");
  if (button === null || source === null) return;
  try {
    await navigator.clipboard.writeText(source.textContent ?? "");
    button.textContent = "Copied";
    say("Copied.");
  } catch {
    // Without https, or without permission, it is selected so that the viewer can copy it.
    getSelection()?.selectAllChildren(source);
    say("Selected. Copy it with the keyboard.");
  }
  setTimeout(() => {
    button.textContent = "Copy";
    say("");
  }, 3_000);
});

// ---- Keyboard --------------------------------------------------------------------------------------------------

document.addEventListener("keydown", (event) => {
  const { target } = event;
  const isTyping =
    target instanceof HTMLInputElement ||
    target instanceof HTMLTextAreaElement ||
    target instanceof HTMLSelectElement;
  if (event.key !== "/" || isTyping || event.ctrlKey || event.metaKey || event.altKey) return;
  const field = document.querySelector("main search input, [data-key='/']");
  if (field instanceof HTMLInputElement) {
    event.preventDefault();
    field.focus();
    field.select();
  }
});

enhance(document);
// A notice is shown only once, not again when the page is reloaded.
if (new URL(location.href).searchParams.has("notice")) {
  const url = new URL(location.href);
  url.searchParams.delete("notice");
  history.replaceState(null, "", url);
}
setInterval(() => tellTimes(document), 5_000);
void keepReading();
