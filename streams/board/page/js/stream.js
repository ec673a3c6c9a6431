// The live stream. The browser resumes it by itself (`Last-Event-ID`) as long as the board answers; when it gave
// up, or nothing was heard for long, it is opened anew. The board says something at least every five seconds.

export const SILENT_MS = 12_000;
const GIVEN_UP_MS = 25_000;
const WAITS_MS = [1_000, 2_000, 4_000, 8_000, 15_000];

/** A connection that is lost this long is worth a sign; the browser usually has another one before. */
export const LOST_MS = 3_000;

/** Listens. `told(data)` gets every event, `refused()` is called when the board wants a token. */
export class Stream {
  constructor(url, told, refused) {
    this.url = url;
    this.told = told;
    this.refused = refused;
    this.tries = 0;
    this.opened_ms = 0;
    this.heard_ms = null;
    this.lost_ms = null;
  }

  open() {
    this.source?.close();
    this.opened_ms = Date.now();
    this.source = new EventSource(this.url);
    for (const name of ["snapshot", "change"]) this.source.addEventListener(name, (event) => this.hear(event));
    this.source.onerror = () => this.lose();
  }

  lose() {
    this.lost_ms ??= Date.now();
    if (this.source.readyState === EventSource.CLOSED) this.again();
  }

  /** To be called every second: opens anew what hangs. */
  watch() {
    const quiet_ms = Date.now() - Math.max(this.heard_ms ?? 0, this.opened_ms);
    if (quiet_ms > GIVEN_UP_MS && !this.waiting) this.open();
  }

  hear(event) {
    this.tries = 0;
    this.heard_ms = Date.now();
    this.lost_ms = null;
    this.told(JSON.parse(event.data));
  }

  /** The board answered with something else than a stream: find out whether it wants a token, and come back later. */
  async again() {
    this.waiting = true;
    const answer = await fetch("/v1/alerts?limit=1").catch(() => null);
    if (answer?.status === 401) this.refused();
    const wait_ms = WAITS_MS[Math.min(this.tries++, WAITS_MS.length - 1)];
    setTimeout(() => {
      this.waiting = false;
      this.open();
    }, wait_ms);
  }
}
