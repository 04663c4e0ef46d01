// The task's log from its beginning and then as it comes: each line once, whatever breaks between.

import { listen } from "./listen.js";

const BATCH_PAUSE = 16; // milliseconds

// batch(lines) gets [{id, step, text, at}] in their order; state(word) gets loading, live, lost or ended.
export async function followLog(address, { batch, state }) {
  let last = "0-0";
  let waiting = [];
  let timer = 0;

  function hand() {
    timer = 0;
    const lines = waiting;
    waiting = [];
    if (lines.length) batch(lines);
  }

  function take(line) {
    // What comes again after a reconnect is known by its place.
    if (!isBehind(line.id, last)) return;
    last = line.id;
    waiting.push(line);
    timer ||= setTimeout(hand, BATCH_PAUSE);
  }

  function end() {
    hand();
    state("ended");
  }

  state("loading");
  // What is there already comes as lines: many times faster than as events.
  await readLines(`${address}?format=jsonl`, take).catch(() => {});
  listen(() => `${address}?format=sse&after=${last}`, {
    events: { line: ({ lastEventId, data }) => take({ id: lastEventId, ...JSON.parse(data) }) },
    end,
    state,
  });
}

async function readLines(address, take) {
  const answer = await fetch(address);
  if (!answer.ok) return;
  const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  for (let chunk = await reader.read(); !chunk.done; chunk = await reader.read()) {
    const lines = (rest + chunk.value).split("\n");
    rest = lines.pop();
    for (const line of lines) take(JSON.parse(line));
  }
}

function isBehind(one, other) {
  const [series, position] = one.split("-").map(Number);
  const [otherSeries, otherPosition] = other.split("-").map(Number);
  return series > otherSeries || (series === otherSeries && position > otherPosition);
}
