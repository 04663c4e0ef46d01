// Server-sent events that survive a bot's restart, a proxy's errors and a sleeping laptop. A page that nobody looks at
// holds no connection: browsers give all pages of a host only a few. Nor does one that was told that it is "over".

const FIRST_PAUSE = 1000; // milliseconds; then twice as long each time
const LONGEST_PAUSE = 15000;

// address() gives where to listen from, each time anew; on.end is called when nothing more will come, and on.state gets
// live, lost and over.
export function listen(address, on) {
  let events = null;
  let pause = FIRST_PAUSE;
  let timer = 0;
  let isOver = false;

  function connect() {
    clearTimeout(timer);
    events = new EventSource(address());
    events.addEventListener("open", () => {
      pause = FIRST_PAUSE;
      on.state?.("live");
    });
    for (const [name, take] of Object.entries(on.events)) events.addEventListener(name, take);
    events.addEventListener("end", () => {
      stop();
      on.end();
    });
    events.addEventListener("error", () => {
      // Not left to the browser, which gives up for good where a proxy answers for a bot that restarts.
      close();
      on.state?.("lost");
      timer = setTimeout(connect, pause);
      pause = Math.min(LONGEST_PAUSE, pause * 2);
    });
  }

  function stop() {
    isOver = true;
    close();
  }

  function close() {
    clearTimeout(timer);
    events?.close();
    events = null;
  }

  document.addEventListener("over", () => {
    stop();
    on.state?.("over");
  });
  document.addEventListener("visibilitychange", () => {
    if (document.hidden) close();
    else if (!isOver && !events) connect();
  });
  if (!document.hidden) connect();
}
