// Keeps what a task's page says of the task true: whenever the task has changed, the server is asked for it anew.

import { listen } from "./listen.js";
import { morph } from "./morph.js";

const LEAST_PAUSE = 2000; // milliseconds between two questions
const RETRY_PAUSE = 5000;
const number = document.querySelector("main").dataset.task;
const news = document.getElementById("log-news");

let asked = 0; // when
let timer = 0;

function refreshSoon() {
  timer ||= setTimeout(refresh, Math.max(0, asked + LEAST_PAUSE - Date.now()));
}

async function refresh() {
  timer = 0;
  asked = Date.now();
  try {
    const answer = await fetch(`/tasks/${number}/summary${location.search}`, { redirect: "manual" });
    if (answer.type === "opaqueredirect" || answer.status === 404) return leave();
    if (!answer.ok) throw new Error(answer.status);
    show(new DOMParser().parseFromString(await answer.text(), "text/html"));
  } catch {
    setTimeout(refreshSoon, RETRY_PAUSE);
  }
}

function show(fresh) {
  const before = document.getElementById("task-head").dataset.phase;
  for (const part of ["task-head", "task-side"]) morph(document.getElementById(part), fresh.getElementById(part));
  const { phase } = document.getElementById("task-head").dataset;
  // The one thing that is worth interrupting a screen reader for.
  if (phase !== before) news.textContent = `The task is ${phase}.`;
  tick();
}

// Somebody is signed out, or may not see the task any more.
function leave() {
  document.dispatchEvent(new Event("over"));
  const text = "This page is not kept up to date any more, since you are signed out. Load it again.";
  const box = document.createElement("p");
  box.className = "box";
  box.textContent = text;
  document.getElementById("task-head").append(box);
  news.textContent = text;
}

// How long the present phase has lasted. The server's clock counts, whatever the browser's says.
const { now } = document.getElementById("task-side").dataset;
const ahead = Date.now() / 1000 - Number(now);

function tick() {
  for (const element of document.querySelectorAll("[data-since]")) {
    element.textContent = duration(Date.now() / 1000 - ahead - Number(element.dataset.since));
  }
}

function duration(seconds) {
  const whole = Math.max(0, Math.round(seconds));
  if (whole < 60) return `${whole} s`;
  if (whole < 3600) return two(Math.floor(whole / 60), "min", whole % 60, "s");
  return two(Math.floor(whole / 3600), "h", Math.floor((whole % 3600) / 60), "min");
}

function two(large, largeUnit, small, smallUnit) {
  return small ? `${large} ${largeUnit} ${small} ${smallUnit}` : `${large} ${largeUnit}`;
}

if (!("ended" in document.getElementById("task-head").dataset)) {
  listen(() => `/api/v1/tasks/${number}/events`, {
    events: { task: refreshSoon },
    end: refreshSoon,
    state: (word) => word === "lost" && refreshSoon(),
  });
  setInterval(tick, 1000);
}
