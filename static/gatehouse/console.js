/* Small enhancements; every page works without them: theme button, copy buttons, closing menus, a note when live updates stop. */
"use strict";

const THEMES = ["auto", "light", "dark"];

function showTheme(theme) {
  const root = document.documentElement;
  if (theme === "auto") delete root.dataset.theme;
  else root.dataset.theme = theme;
  for (const button of document.querySelectorAll("[data-theme-toggle]")) {
    button.dataset.shows = theme;
    const label = button.dataset[theme];
    button.setAttribute("aria-label", label);
    button.title = label;
  }
}

function storedTheme() {
  try {
    return localStorage.getItem("gatehouse-theme") || "auto";
  } catch (refused) {
    return "auto";
  }
}

function nextTheme() {
  const next = THEMES[(THEMES.indexOf(storedTheme()) + 1) % THEMES.length];
  try {
    localStorage.setItem("gatehouse-theme", next);
  } catch (refused) {
    /* The choice then lasts for this page only. */
  }
  showTheme(next);
}

/* Browsers offer the clipboard on secure addresses only; elsewhere a selection is copied, as by hand. */
function copyBySelection(text) {
  const area = document.createElement("textarea");
  area.value = text;
  area.className = "visually-hidden";
  document.body.append(area);
  area.select();
  const isCopied = document.execCommand("copy");
  area.remove();
  return isCopied;
}

/* Says something to screen readers without moving the focus; what everybody has to know is seen too. */
function announce(text, { isSeen = false } = {}) {
  let place = document.getElementById("announced");
  if (!place) {
    place = document.createElement("p");
    place.id = "announced";
    place.setAttribute("role", "status");
    document.querySelector("main").append(place);
  }
  place.className = isSeen ? "live-note" : "visually-hidden";
  place.textContent = "";
  requestAnimationFrame(() => (place.textContent = text)); /* the same words twice are said twice */
}

/* Where the browser lets nothing be copied, the whole value is shown and selected, for the keys that always copy. */
function selectWhole(button) {
  const code = button.parentElement.querySelector("code");
  code.textContent = button.dataset.copy;
  button.parentElement.classList.add("break");
  getSelection().selectAllChildren(code);
  announce(button.dataset.refused, { isSeen: true });
}

async function copyText(button) {
  try {
    await navigator.clipboard.writeText(button.dataset.copy);
  } catch (refused) {
    const isCopied = copyBySelection(button.dataset.copy);
    button.focus();
    if (!isCopied) return selectWhole(button);
  }
  announce(button.dataset.done);
  button.classList.add("is-done");
  setTimeout(() => button.classList.remove("is-done"), 1500);
}

document.addEventListener("click", (event) => {
  if (event.target.closest("[data-theme-toggle]")) nextTheme();
  const copy = event.target.closest("[data-copy]");
  if (copy) copyText(copy);
  for (const menu of document.querySelectorAll("details.menu[open]")) {
    if (!menu.contains(event.target)) menu.open = false;
  }
});

document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape") return;
  for (const menu of document.querySelectorAll("details.menu[open]")) {
    menu.open = false;
    menu.querySelector("summary").focus();
  }
});

/* A rule that is linked to is opened, whether the link is followed here or the page is loaded at it. */
function openTarget() {
  const target = location.hash.length > 1 && document.getElementById(decodeURIComponent(location.hash.slice(1)));
  if (!target) return;
  const help = target.matches("details") ? target : target.querySelector("details");
  if (help) help.open = true;
  const around = target.parentElement && target.parentElement.closest("details:not([open])");
  if (around) {
    around.open = true;
    target.scrollIntoView();
  }
}
window.addEventListener("hashchange", openTarget);

/* Printing shows everything, in browsers too whose style sheets cannot open a disclosure. */
window.addEventListener("beforeprint", () => {
  for (const details of document.querySelectorAll("main details:not([open])")) {
    details.open = true;
    details.dataset.opened = "print";
  }
});
window.addEventListener("afterprint", () => {
  for (const details of document.querySelectorAll("details[data-opened]")) {
    details.open = false;
    delete details.dataset.opened;
  }
});

/* To a reader who has chosen no zone, times are shown in the browser's; their titles keep UTC. */
function showLocalTimes() {
  if (document.documentElement.hasAttribute("data-own-zone")) return;
  const language = document.documentElement.lang === "en" ? "en-GB" : document.documentElement.lang;
  const parts = { day: "numeric", month: "short", year: "numeric", hour: "2-digit", minute: "2-digit", timeZoneName: "short" };
  const format = new Intl.DateTimeFormat(language, parts);
  for (const time of document.querySelectorAll("time[data-moment]")) time.textContent = format.format(new Date(time.dateTime));
  for (const time of document.querySelectorAll("time[data-ago]")) time.title = `${format.format(new Date(time.dateTime))} · ${time.dataset.ago}`;
}

/* What has the focus, told from the rest of a page by what it is where it has no id. */
function likenessOf(element) {
  const { tagName, id, dataset, parentElement, textContent } = element;
  const own = id || dataset.copy || (tagName === "SUMMARY" && parentElement.id) || textContent.trim();
  return [tagName, element.getAttribute("href"), element.getAttribute("name"), own].join(" ");
}

function alikeIn(root, likeness) {
  return Array.from(root.querySelectorAll("a[href], button, summary, input, select")).filter((one) => likenessOf(one) === likeness);
}

/* A live update keeps open what the reader had opened, and the focus where it was; where that is gone, on the page. */
let openedIds = [];
let focused = null;
document.addEventListener("htmx:beforeSwap", (event) => {
  const { target } = event.detail;
  const active = document.activeElement;
  openedIds = Array.from(target.querySelectorAll("details[open][id]"), (details) => details.id);
  focused = null;
  if (!target.contains(active) || active.matches("[role=slider]")) return;
  const likeness = likenessOf(active);
  focused = { within: target.id, likeness, number: alikeIn(target, likeness).indexOf(active) };
});
document.addEventListener("htmx:afterSwap", () => {
  for (const id of openedIds) {
    const details = document.getElementById(id);
    if (details) details.open = true;
  }
  if (focused && document.activeElement === document.body) {
    const same = alikeIn(document.getElementById(focused.within), focused.likeness)[focused.number];
    (same || document.getElementById("content")).focus({ preventScroll: true });
  }
  showLocalTimes();
});

/* A filter leads to a new page: there the focus is on the button that was pressed, not back at the top. */
document.addEventListener("submit", ({ target }) => {
  if (!target.matches("form[role=search]")) return;
  try {
    sessionStorage.setItem("gatehouse-filtered", location.pathname);
  } catch (refused) {
    /* The next page then begins at its top. */
  }
});

function returnToFilter() {
  try {
    const isFiltered = sessionStorage.getItem("gatehouse-filtered") === location.pathname;
    sessionStorage.removeItem("gatehouse-filtered");
    const button = isFiltered && document.querySelector("form[role=search] button");
    if (button) button.focus({ preventScroll: true });
  } catch (refused) {
    /* A browser that keeps nothing knows of no filter. */
  }
}

/* Live updates: say when the console does not answer, and take the note away when it does. */
function noteSilence(isSilent) {
  const note = document.getElementById("live-note");
  if (note) note.hidden = !isSilent;
}
document.addEventListener("htmx:sendError", () => noteSilence(true));
document.addEventListener("htmx:responseError", () => noteSilence(true));
document.addEventListener("htmx:afterRequest", (event) => {
  if (event.detail.successful) noteSilence(false);
});

/* On a phone the sections scroll sideways: the one that is open is always seen. */
function showSection() {
  const current = document.querySelector(".sections [aria-current]");
  if (current) current.parentElement.scrollLeft = current.offsetLeft - (current.parentElement.clientWidth - current.offsetWidth) / 2;
}

document.addEventListener("DOMContentLoaded", () => {
  showTheme(storedTheme());
  showSection();
  showLocalTimes();
  openTarget();
  returnToFilter();
});
