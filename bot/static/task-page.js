// Keeps what a task's page says of the task true: whenever the task has changed, the server is asked for it anew.

import { listen } from "./listen.js";
import { morph } from "./morph.js";
import { paced } from "./paced.js";
import { duration } from "./times.js";

const LEAST_PAUSE = 2000; // milliseconds between two questions
const RETRY_PAUSE = 5000;
const number = document.querySelector("main").dataset.task;
const news = document.getElementById("log-news");
const soon = paced(refresh, LEAST_PAUSE);

async function refresh() {
  try {
    const answer = await fetch(`/tasks/${number}/summary${location.search}`, { redirect: "manual" });
    if (answer.type === "opaqueredirect" || answer.status === 404) return leave();
    if (!answer.ok) throw new Error(answer.status);
    show(new DOMParser().parseFromString(await answer.text(), "text/html"));
  } catch {
    setTimeout(soon, RETRY_PAUSE);
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

if (!("ended" in document.getElementById("task-head").dataset)) {
  listen(() => `/api/v1/tasks/${number}/events`, {
    events: { task: soon },
    end: soon,
    state: (word) => word === "lost" && soon(),
  });
  setInterval(tick, 1000);
}
