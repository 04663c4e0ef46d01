// Does something as often as it is asked for, but one at a time and with a pause between. Who asks while it is being done
// is heard: what it began with may be older than their reason. On a page that was told that it is "over", nothing is done.

// act is async and does not throw; pause is in milliseconds, from one beginning to the next.
export function paced(act, pause) {
  let timer = 0;
  let begun = 0;
  let isActing = false;
  let isWanted = false;
  let isOver = false;

  function soon() {
    if (isOver) return;
    if (isActing) isWanted = true;
    else timer ||= setTimeout(run, Math.max(0, begun + pause - Date.now()));
  }

  async function run() {
    timer = 0;
    begun = Date.now();
    isActing = true;
    isWanted = false;
    await act();
    isActing = false;
    if (isWanted) soon();
  }

  document.addEventListener("over", () => {
    isOver = true;
    clearTimeout(timer);
  });
  return soon;
}
