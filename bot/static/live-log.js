// Follows the log of the task whose page this is. Lines go in as text, never as HTML.

const log = document.getElementById("log");
const status = document.getElementById("status");
const MOST_LINES = 20000;

function shown(line) {
  const row = document.createElement("div");
  row.className = `line ${line.step}`;
  const time = document.createElement("time");
  time.textContent = new Date(line.at * 1000).toISOString().slice(11, 19);
  const text = document.createElement("span");
  text.textContent = line.text;
  row.append(time, text);
  return row;
}

function add(line) {
  const following = log.scrollHeight - log.scrollTop - log.clientHeight < 40;
  log.querySelector(".empty")?.remove();
  log.append(shown(line));
  if (log.childElementCount > MOST_LINES) log.firstElementChild.remove();
  if (following) log.scrollTop = log.scrollHeight;
}

function follow() {
  const address = new URL(`${location.pathname}/log`, location.origin);
  address.search = location.search;
  address.searchParams.set("after", log.dataset.after);
  const events = new EventSource(address);
  let first = null;
  events.addEventListener("line", (event) => add(JSON.parse(event.data)));
  events.addEventListener("phase", (event) => {
    const { phase, status: now } = JSON.parse(event.data);
    status.textContent = now;
    status.className = `status ${now}`;
    // The timeline is the server's: it is drawn anew when a phase has changed.
    if (first !== null && first !== phase) redraw();
    first = phase;
  });
  events.addEventListener("end", () => {
    events.close();
    redraw();
  });
}

async function redraw() {
  const answer = await fetch(location.href);
  if (!answer.ok) return;
  const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
  document.getElementById("phases").replaceWith(fresh.getElementById("phases"));
  const result = fresh.querySelector("a.result");
  if (result && !document.querySelector("a.result")) document.getElementById("phases").before(result);
}

log.scrollTop = log.scrollHeight;
follow();
