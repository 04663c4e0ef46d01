// Keeps the table as the server would draw it now: what changes comes by events, and the page is then fetched anew. Only
// cells that differ are exchanged, so that place, focus and selection stay.

import { listen } from "./listen.js";
import { paced } from "./paced.js";
import { age, duration } from "./times.js";

const PAUSE = 2000; // milliseconds between two questions
const RETRY_PAUSE = 5000;
const TICK = 15000;

const live = document.getElementById("live");
const soon = paced(refresh, PAUSE);
let isLive = false;

function tell(text, isLost = false) {
  live.textContent = text;
  live.classList.toggle("lost", isLost);
}

function connected(state) {
  isLive = state === "live";
  if (state === "over") return;
  tell(isLive ? "Live" : "Connecting …", !isLive);
  // What has changed meanwhile; or whether we are still signed in.
  soon();
}

async function refresh() {
  try {
    const answer = await fetch(location.href, { headers: { Accept: "text/html" }, redirect: "manual" });
    if (answer.type === "opaqueredirect") return leave();
    if (!answer.ok) throw new Error(String(answer.status));
    draw(new DOMParser().parseFromString(await answer.text(), "text/html"));
    if (isLive) tell("Live");
  } catch {
    tell("The table could not be refreshed.", true);
    setTimeout(soon, RETRY_PAUSE);
  }
}

function leave() {
  document.dispatchEvent(new Event("over"));
  tell("You are signed out. Load the page again.", true);
}

function draw(fresh) {
  const [now, then] = [fresh.getElementById("tasks"), document.getElementById("tasks")];
  if (now && then) keepingPlace(then, () => exchangeRows(then, now));
  else if (now || then) exchangeAll(fresh);
  exchange(document.getElementById("pages"), fresh.getElementById("pages"));
}

// The first task has come, or the last has gone: there was nothing to keep.
function exchangeAll(fresh) {
  const selector = "table.tasks, .nothing";
  document.querySelector(selector).replaceWith(fresh.querySelector(selector));
}

// Rows are in the order of their numbers, so that none ever has to move: moved ones would lose the focus.
function exchangeRows(then, now) {
  const wanted = new Set([...now.rows].map((row) => row.id));
  for (const row of [...then.rows]) if (!wanted.has(row.id)) drop(row);
  let place = then.firstElementChild;
  for (const fresh of [...now.rows]) {
    if (place?.id === fresh.id) {
      exchangeCells(place, fresh);
      place = place.nextElementSibling;
    } else {
      then.insertBefore(fresh, place);
    }
  }
}

function drop(row) {
  if (row.contains(document.activeElement)) (row.nextElementSibling ?? row.previousElementSibling)?.querySelector("a").focus();
  row.remove();
}

function exchangeCells(old, fresh) {
  if (old.dataset.version === fresh.dataset.version) return;
  old.dataset.version = fresh.dataset.version;
  [...old.cells].forEach((cell, index) => exchange(cell, fresh.cells[index]));
}

function exchange(part, fresh) {
  if (part.innerHTML === fresh.innerHTML) return;
  const focused = part.contains(document.activeElement);
  part.replaceChildren(...fresh.childNodes);
  if (focused) part.querySelector("a")?.focus({ preventScroll: true });
}

// What stands at the top of the window stays there when rows come in above it.
function keepingPlace(body, change) {
  const anchor = [...body.children].find((row) => row.getBoundingClientRect().bottom > 0);
  const isAbove = body.getBoundingClientRect().top < 0;
  const before = anchor?.getBoundingClientRect().top;
  change();
  if (isAbove && anchor?.isConnected) scrollBy(0, anchor.getBoundingClientRect().top - before);
}

function tick() {
  const now = Date.now() / 1000;
  for (const [name, words] of [["age", age], ["since", duration]]) {
    for (const element of document.querySelectorAll(`[data-${name}]`)) {
      const text = words(now - Number(element.dataset[name]));
      if (element.textContent !== text) element.textContent = text;
    }
  }
}

listen(() => "/api/v1/events", { events: { task: soon }, state: connected });
setInterval(tick, TICK);
