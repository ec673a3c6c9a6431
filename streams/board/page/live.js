// The live page: what the stream says, drawn. A snapshot, then sections that replace those before; alerts are added to.

import { learnZone } from "./clock.js";
import { show } from "./dom.js";
import { showFreshness, startFrame, word } from "./frame.js";
import { drawAlerts, drawChannels, drawHour, drawMinutes, drawRanked, drawSessions } from "./sections.js";

/** Alerts that are kept to be shown: the newest revision of so many. */
const ALERTS = 9;

const state = { alerts: [] };
let connected = true;

function take(sections) {
  const { alerts = [], ...others } = sections;
  Object.assign(state, others);
  learnZone(state.hour);
  const newest = new Map(state.alerts.map((told) => [told.alert.alert_id, told]));
  for (const told of alerts) {
    newest.delete(told.alert.alert_id); // a new revision comes to the top
    newest.set(told.alert.alert_id, told);
  }
  state.alerts = [...newest.values()].slice(-ALERTS);
  draw();
}

function draw() {
  document.title = word("title");
  showFreshness(state.freshness, connected);
  drawHour(state.hour, state.freshness);
  drawMinutes(state.minutes);
  drawChannels(state.channels);
  drawSessions(state.sessions);
  drawRanked("clusters", "cluster", state.clusters);
  drawRanked("anchors", "anchor", state.anchors);
  drawAlerts(state.alerts, state.history);
  const history = state.history;
  const count = (standings) => standings.find((each) => each.scope.dimension === "platform")?.history ?? 0;
  const values = history && { hours: count(history.hours), sessions: count(history.sessions) };
  show("history", history ? word("history", values) : "");
}

function listen() {
  const stream = new EventSource("/v1/stream"); // it comes back by itself, with the id of the last event
  const hear = (event) => {
    connected = true;
    take(JSON.parse(event.data));
  };
  stream.addEventListener("snapshot", (event) => {
    const snapshot = JSON.parse(event.data);
    if (snapshot.alerts_after === null) state.alerts = [];
    hear(event);
  });
  stream.addEventListener("change", hear);
  stream.addEventListener("open", () => { connected = true; draw(); });
  stream.addEventListener("error", () => {
    connected = false;
    draw();
    if (stream.readyState === EventSource.CLOSED) setTimeout(listen, 2000); // refused (a restart, a token): ask anew
  });
}

startFrame(draw);
listen();
// the minute's clock of those who look, beside the watermark's
setInterval(() => showFreshness(state.freshness, connected), 5000);
