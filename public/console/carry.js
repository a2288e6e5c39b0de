/**
 * Pages are rendered only on the server. This applies the changes in a new page to the document, so that focus,
 * selection, open sections and typed text stay as they are. It also shows times in the viewer's time zone.
 */

// ---- Times -----------------------------------------------------------------------------------------------

const clock = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "medium" });

/**
 * In the same words as the server's, see src/console/words.ts.
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
export const tellTimes = (root) => {
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

// ---- Applying a new page to the document ------------------------------------------------------------------

/** Attributes that the viewer controls, not the server. */
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
 * Forms are told apart by their action, so that a button never turns into another one under the pointer.
 * @param {Element} element
 */
const formOf = (element) => (element instanceof HTMLFormElement ? element.getAttribute("action") : null);

/**
 * Makes `from` equal to `to`, with as few changes as possible.
 * @param {Node} from
 * @param {Node} to
 */
export const carry = (from, to) => {
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
    // Nodes before it were removed: keep those that follow.
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
export const enhance = (root) => {
  tellTimes(root);
  for (const button of root.querySelectorAll("button[data-copy]")) button.removeAttribute("hidden");
};

/** @param {string} html */
export const parsed = (html) => {
  const page = new DOMParser().parseFromString(html, "text/html");
  enhance(page);
  return page;
};

/**
 * Applies only the live parts of a new page, or the whole page when it has other live parts.
 * @param {Document} page
 */
export const carryLive = (page) => {
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
export const carryMain = (page) => {
  const [ours, theirs] = [document.querySelector("main"), page.querySelector("main")];
  if (ours !== null && theirs !== null) carry(ours, theirs);
  document.title = page.title;
  const refresh = page.body.dataset["refresh"];
  if (refresh === undefined) delete document.body.dataset["refresh"];
  else document.body.dataset["refresh"] = refresh;
};
