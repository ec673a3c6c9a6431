// The page of one tally or session: its day by hours, its last hour by minutes, or its session, asked anew every few seconds.

import { bars } from "./charts.js";
import { dayOf, minuteOf, momentOf, shortOf } from "./clock.js";
import { element, show } from "./dom.js";
import { frame, showFreshness, startFrame, word } from "./frame.js";
import { money, notations } from "./money.js";

const AGAIN_MS = 5000, HOUR_MS = 3_600_000;
const asked = new URLSearchParams(location.search);
const dimension = asked.get("dimension") ?? "platform", id = asked.get("id") ?? "all";
const state = {};

async function ask(path) {
  const response = await fetch(path, { headers: { Accept: "application/json" } });
  const answer = await response.json();
  if (!response.ok) throw new Error(answer.detail ?? response.statusText);
  return answer;
}

async function read() {
  try {
    await (dimension === "session" ? readSession() : readTally());
    state.problem = null;
  } catch (error) {
    state.problem = error.message;
  }
  draw();
}

async function readSession() {
  const session = await ask(`/v1/sessions/${encodeURIComponent(id)}`);
  Object.assign(state, { session, windows: session.hours, total: session.total, asOfMs: session.as_of_ms });
}

async function readTally() {
  const path = `/v1/tallies/${dimension}/${encodeURIComponent(id)}`;
  const days = await ask(`${path}?grain=day`);
  const asOfMs = days.as_of_ms;
  if (asOfMs === null) return Object.assign(state, { asOfMs });
  const [start, end] = dayOf(asOfMs);
  const hours = await ask(`${path}?grain=hour&from_ms=${start}&to_ms=${end}`);
  const today = days.windows.find((each) => each.start_ms === start);
  Object.assign(state, { asOfMs, windows: hours.windows, total: today?.counters, minutes: await readMinutes(path, asOfMs) });
}

async function readMinutes(path, asOfMs) {
  const from = Math.floor(asOfMs / HOUR_MS) * HOUR_MS;
  if (!["platform", "cluster", "category", "anchor"].includes(dimension)) return null; // no minutes are kept of others
  return (await ask(`${path}?grain=minute&from_ms=${from}&to_ms=${from + HOUR_MS}`)).windows;
}

function draw() {
  const { session, total, windows = [], minutes, asOfMs = null, problem } = state;
  show("back", word("back"));
  showFreshness(asOfMs === null ? null : { as_of_ms: asOfMs, store: true, behind_ms: 0, unread: false }, true);
  const alarm = document.getElementById("alarm");
  alarm.hidden = !problem;
  alarm.classList.toggle("loud", Boolean(problem));
  if (problem) alarm.textContent = word("problem", { why: problem });
  const name = session?.declared.title ?? (dimension === "platform" ? word("platform") : id);
  document.title = `${name} – Hightide`;
  show("scope-title", `${word(dimension)} ${name}`, session ? element("small", "", ` · ${word(session.state)}`) : null);
  drawTotal(total, session);
  drawBars("hours", word("hours"), windows, shortOf);
  drawBars("minutes", minutes ? word("minutes") : "", minutes ?? [], minuteOf);
}

function drawTotal(total, session) {
  const [western, yi] = total?.gmv_fen == null ? ["–", null] : notations(total.gmv_fen);
  const chinese = frame.language === "zh" && yi !== null;
  show("scope-gmv", chinese ? yi : western);
  show("scope-gmv-other", chinese ? western : (yi ?? total?.reasons.gmv_fen ?? ""));
  const known = (value, text) => (value == null ? "–" : text(value));
  const facts = total ? [
    ["orders", known(total.orders_paid, (count) => count.toLocaleString("en-US"))],
    ["buyers", known(total.buyers, (count) => count.toLocaleString("en-US"))],
    ["net", known(total.net_gmv_fen, (fen) => money(fen, frame.language))],
    ...(session?.declared.start_ms ? [["session", momentOf(session.declared.start_ms)]] : []),
  ] : [];
  show("scope-facts", facts.map(([key, value]) => element("div", "", [element("dt", "", word(key)), element("dd", "", value)])));
}

function drawBars(where, title, windows, told) {
  show(`${where}-title`, title);
  if (!windows.length) return show(where, "");
  const values = windows.map((each) => each.counters.gmv_fen);
  const most = Math.max(0, ...values.filter((value) => value !== null));
  const axis = [element("span", "", told(windows[0].start_ms)), element("span", "", told(windows.at(-1).end_ms))];
  show(where, bars(values, `${title}: ${money(most, frame.language)}`, !windows.at(-1).final), element("p", "axis", axis));
}

startFrame(draw);
read();
setInterval(read, AGAIN_MS);
