// Answers of the HTTP API, asked again while they are shown. The board's tags make an unchanged answer cheap.

const AGAIN_MS = 15_000;
const MOST_PAGES = 12;

/** Keeps the answers to the questions that are on the page. `changed()` is called when one came. */
export class Answers {
  constructor(changed) {
    this.changed = changed;
    this.held = new Map();
  }

  /** The answer to a path: `{data}`, `{problem}` in words, or null while there is none. Asking is what keeps it. */
  ask(path) {
    const held = this.held.get(path) ?? { answer: null, asked_ms: 0, asking: false };
    this.held.set(path, { ...held, wanted: true });
    if (!held.asking && Date.now() - held.asked_ms > AGAIN_MS) this.fetch(path);
    return held.answer;
  }

  /** Everything that was not asked since the last call is forgotten. */
  forget() {
    for (const [path, held] of this.held) {
      if (!held.wanted) this.held.delete(path);
      else held.wanted = false;
    }
  }

  async fetch(path) {
    Object.assign(this.held.get(path), { asking: true, asked_ms: Date.now() });
    const answer = await whole(path).catch((error) => ({ problem: error.message }));
    const held = this.held.get(path);
    if (!held) return;
    // what was known stays, with the problem beside it: a board that is away makes nothing untrue
    held.answer = answer.data || !held.answer?.data ? answer : { ...held.answer, problem: answer.problem };
    held.asking = false;
    this.changed();
  }
}

/** An answer with the windows of all its pages. */
async function whole(path) {
  const first = await one(path);
  let { next } = first.data ?? {};
  for (let page = 1; next && first.data.windows && page < MOST_PAGES; page++) {
    const { data, problem } = await one(`${path}&cursor=${next}`);
    if (problem) return { problem };
    first.data.windows.push(...data.windows);
    next = data.next;
  }
  return first;
}

async function one(path) {
  const answer = await fetch(path, { headers: { Accept: "application/json" } });
  const body = await answer.json();
  return answer.ok ? { data: body } : { problem: body.detail ?? answer.statusText, status: answer.status };
}
