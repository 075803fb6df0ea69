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

/* Says a word to screen readers without moving the focus. */
function announce(text) {
  let place = document.getElementById("announced");
  if (!place) {
    place = document.createElement("p");
    place.id = "announced";
    place.className = "visually-hidden";
    place.setAttribute("role", "status");
    document.querySelector("main").append(place);
  }
  place.textContent = text;
}

async function copyText(button) {
  try {
    await navigator.clipboard.writeText(button.dataset.copy);
  } catch (refused) {
    const isCopied = copyBySelection(button.dataset.copy);
    button.focus();
    if (!isCopied) return;
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

/* To a reader who has chosen no zone, times are shown in the browser's; the title keeps UTC. */
function showLocalTimes() {
  if (document.documentElement.hasAttribute("data-own-zone")) return;
  const language = document.documentElement.lang === "en" ? "en-GB" : document.documentElement.lang;
  const parts = { day: "numeric", month: "short", year: "numeric", hour: "2-digit", minute: "2-digit", timeZoneName: "short" };
  const format = new Intl.DateTimeFormat(language, parts);
  for (const time of document.querySelectorAll("time[data-moment]")) time.textContent = format.format(new Date(time.dateTime));
}

/* A live update keeps open what the reader had opened. */
let openedIds = [];
document.addEventListener("htmx:beforeSwap", (event) => {
  openedIds = Array.from(event.detail.target.querySelectorAll("details[open][id]"), (details) => details.id);
});
document.addEventListener("htmx:afterSwap", () => {
  for (const id of openedIds) {
    const details = document.getElementById(id);
    if (details) details.open = true;
  }
  showLocalTimes();
});

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
});
