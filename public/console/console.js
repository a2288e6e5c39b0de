/**
 * What the console can do with script, on top of pages that work without: what is live is read again, forms are sent
 * without leaving the page, times are told in the viewer's zone, `/` leads to the search field, JSON can be copied.
 *
 * Pages are made on the server alone. The script asks for the same page once more and carries what has changed
 * over into the document, so that focus, selection, what is folded open and what is being typed stay as they are.
 */

// ---- Times -----------------------------------------------------------------------------------------------

const clock = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "medium" });

/**
 * As the server says it, see words.ts.
 * @param {number} s seconds
 */
const roughly = (s) => {
  if (s < 60) return `${s} s`;
  if (s < 3_600) return `${Math.floor(s / 60)} min`;
  if (s < 48 * 3_600) return `${Math.floor(s / 3_600)} h`;
  return `${Math.floor(s / 86_400).toLocaleString("en")} d`;
};

/** @param {number} at ms since the epoch */
const ago = (at) => {
  const seconds = Math.round((Date.now() - at) / 1000);
  if (Math.abs(seconds) < 5) return "now";
  return seconds > 0 ? `${roughly(seconds)} ago` : `in ${roughly(-seconds)}`;
};

/** @param {ParentNode} root */
const tellTimes = (root) => {
  for (const time of root.querySelectorAll("time[data-time]")) {
    const iso = time.getAttribute("datetime") ?? "";
    const at = Date.parse(iso);
    if (Number.isNaN(at)) continue;
    const local = clock.format(at);
    const text = time.getAttribute("data-time") === "ago" ? ago(at) : local;
    if (time.textContent !== text) time.textContent = text;
    time.setAttribute("title", `${local} (${iso})`);
  }
};

// ---- Carrying a new page over into the document ------------------------------------------------------------

/** What the viewer, not the server, has the say over. */
const viewers = new Set(["open", "aria-busy", "hidden"]);

/**
 * @param {Element} from
 * @param {Element} to
 */
const carryAttributes = (from, to) => {
  for (const { name, value } of to.attributes) {
    if (!viewers.has(name) && from.getAttribute(name) !== value) from.setAttribute(name, value);
  }
  for (const { name } of [...from.attributes]) {
    if (!viewers.has(name) && !to.hasAttribute(name)) from.removeAttribute(name);
  }
};

/**
 * @param {Node | undefined} a
 * @param {Node} b
 */
const areAlike = (a, b) =>
  a !== undefined &&
  a.nodeName === b.nodeName &&
  (!(a instanceof Element) || !(b instanceof Element) || (a.id === b.id && formOf(a) === formOf(b)));

/**
 * Forms are told apart by where they lead, so that a button never becomes another one under the pointer.
 * @param {Element} element
 */
const formOf = (element) => (element instanceof HTMLFormElement ? element.getAttribute("action") : null);

/**
 * Makes `from` say what `to` says, with as few changes as possible.
 * @param {Node} from
 * @param {Node} to
 */
const carry = (from, to) => {
  if (from.isEqualNode(to)) return;
  if (from instanceof Element && to instanceof Element) carryAttributes(from, to);
  else if (from.nodeValue !== to.nodeValue) from.nodeValue = to.nodeValue;
  const wanted = [...to.childNodes];
  for (const [index, node] of wanted.entries()) {
    const here = from.childNodes[index];
    if (areAlike(here, node)) {
      carry(/** @type {Node} */ (here), node);
      continue;
    }
    // Something was taken out before it: what follows is still the same.
    const later = [...from.childNodes].slice(index + 1).find((other) => areAlike(other, node));
    if (later !== undefined && here !== undefined) {
      while (from.childNodes[index] !== later) from.childNodes[index]?.remove();
      carry(later, node);
    } else {
      from.insertBefore(document.importNode(node, true), here ?? null);
    }
  }
  while (from.childNodes.length > wanted.length) from.lastChild?.remove();
};

/** @param {ParentNode} root */
const enhance = (root) => {
  tellTimes(root);
  for (const button of root.querySelectorAll("button[data-copy]")) button.removeAttribute("hidden");
};

/** @param {string} html */
const parsed = (html) => {
  const page = new DOMParser().parseFromString(html, "text/html");
  enhance(page);
  return page;
};

/**
 * Carries over the live parts alone, or, when they are not the same ones, the whole page.
 * @param {Document} page
 */
const carryLive = (page) => {
  /** @param {ParentNode} root */
  const live = (root) => [...root.querySelectorAll("[data-live]")];
  /** @param {Element[]} parts */
  const ids = (parts) => parts.map((part) => part.id).join();
  const [ours, theirs] = [live(document), live(page)];
  if (ids(ours) === ids(theirs)) {
    for (const [index, part] of theirs.entries()) carry(/** @type {Element} */ (ours[index]), part);
  } else {
    carryMain(page);
  }
  const refresh = page.body.dataset["refresh"];
  if (refresh !== undefined) document.body.dataset["refresh"] = refresh;
};

/** @param {Document} page */
const carryMain = (page) => {
  const [ours, theirs] = [document.querySelector("main"), page.querySelector("main")];
  if (ours !== null && theirs !== null) carry(ours, theirs);
  document.title = page.title;
  const refresh = page.body.dataset["refresh"];
  if (refresh === undefined) delete document.body.dataset["refresh"];
  else document.body.dataset["refresh"] = refresh;
};

// ---- Telling the viewer ------------------------------------------------------------------------------------

const said = /** @type {HTMLElement} */ (document.querySelector("#said"));

/**
 * For everybody: shown at the foot of the page, and read out.
 * @param {string} text empty takes it away
 * @param {string} [href] where to go
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

// ---- Reading again what is live ------------------------------------------------------------------------------

let failures = 0;
let stopped = false;
/** Counts what people do; what was read before it is old. */
let acts = 0;

/**
 * Whoever is not in any more gets the sign-in page in place of every other.
 * @param {Document} page
 */
const isSignIn = (page) => page.querySelector("form.sign-in") !== null;

const signInHere = () =>
  `/console/sign-in?${new URLSearchParams({ next: location.pathname + location.search, reason: "expired" })}`;

const readAgain = async () => {
  const before = acts;
  const response = await fetch(location.href, { cache: "no-store" });
  // A gateway's error page, or a Worker that is being replaced: what is on the screen is better.
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

/** How long what is on the screen may stay as it is, ms; a page without anything live is never read again. */
const restMs = () => {
  const wanted = Number(document.body.dataset["refresh"] ?? Number.POSITIVE_INFINITY);
  return failures === 0 ? wanted : Math.min(15_000, 1_000 * 2 ** failures);
};

const TICK_MS = 250;
let readAt = Date.now();

/** Looks often whether it is time: an action, or what was read, may have changed how soon that is. */
const keepReading = async () => {
  while (!stopped) {
    await new Promise((resolve) => setTimeout(resolve, TICK_MS));
    if (document.hidden || Date.now() - readAt < restMs()) continue;
    try {
      await readAgain();
    } catch {
      // No network, or the Worker is starting again: said, and tried until it works.
      failures += 1;
      if (failures > 1) say("The connector does not answer. Trying again; what you see is not up to date.");
    }
    readAt = Date.now();
  }
};

// ---- Forms ---------------------------------------------------------------------------------------------------

/**
 * @param {HTMLFormElement} form
 * @param {HTMLElement | null} submitter
 */
const send = async (form, submitter) => {
  const data = new URLSearchParams(
    [...new FormData(form, submitter)].map(([name, value]) => [name, String(value)]),
  );
  // Not `form.action`: a field of that name stands in its way.
  const url = new URL(form.getAttribute("action") ?? "", location.href);
  const isGet = form.getAttribute("method") === "get";
  if (isGet) url.search = data.toString();
  const response = await fetch(url, isGet ? {} : { method: "POST", body: data });
  const page = parsed(await response.text());
  if (isSignIn(page)) {
    location.assign(signInHere());
    return;
  }
  acts += 1;
  // A notice is told once, and the address of an answer to a form cannot be loaded again.
  const shown = new URL(response.redirected || isGet ? response.url : location.href);
  const notice = page.querySelector("main > .note[role=status]")?.textContent ?? "";
  shown.searchParams.delete("notice");
  if (isGet && shown.href !== location.href) history.pushState(null, "", shown);
  else history.replaceState(null, "", shown);
  carryMain(page);
  if (!isGet && response.ok) for (const box of checkboxes(form)) box.checked = false;
  const target = document.querySelector("#result, #answer, main .note[role=alert]");
  if (notice === "" && target instanceof HTMLElement) {
    target.tabIndex = -1;
    target.focus({ preventScroll: false });
  }
  say(notice);
  setTimeout(() => said.dataset["text"] === notice && say(""), 8_000);
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

// A page that was left by a form is in the history: its address says what it shows.
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
    // Not over https, or not allowed: it is selected, ready to be copied by hand.
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
// A notice is told once, not again when the page is loaded again.
if (new URL(location.href).searchParams.has("notice")) {
  const url = new URL(location.href);
  url.searchParams.delete("notice");
  history.replaceState(null, "", url);
}
setInterval(() => tellTimes(document), 5_000);
void keepReading();
