// What the page knows: the snapshot, with every change laid over it. Pure.

/** Alerts that are kept; older ones are at /v1/alerts. */
export const KEPT = 200;

/** Nothing is known yet. `heard_ms` is when the stream last said something, `skew_ms` what the board's clock is
 * ahead. */
export const NOTHING = Object.freeze({
  heard_ms: null,
  skew_ms: 0,
  freshness: null,
  hour: null,
  minutes: null,
  clusters: null,
  anchors: null,
  channels: null,
  sessions: null,
  history: null,
  alerts: [],
});

/** The state after an event: its sections in place of those before; alerts are added, but for a snapshot that has
 * just the latest (`alerts_after` is null: what lies between those and the known ones is not there). */
export function after(state, data, now_ms) {
  const { alerts, alerts_after, ...sections } = data;
  const known = alerts_after === null ? [] : state.alerts;
  const freshness = sections.freshness ?? state.freshness;
  return {
    ...state,
    ...sections,
    heard_ms: now_ms,
    skew_ms: sections.freshness ? freshness.now_ms - now_ms : state.skew_ms,
    alerts: alerts ? together(known, alerts) : state.alerts,
  };
}

/** The alerts of `more` that `alerts` does not have. */
export function fresh(alerts, more) {
  const known = new Set(alerts.map((each) => each.entry));
  return more.filter((each) => !known.has(each.entry));
}

function together(alerts, more) {
  return [...alerts, ...fresh(alerts, more)].sort((one, other) => order(one) - order(other)).slice(-KEPT);
}

function order(told) {
  return Number(told.entry.split("-")[0]);
}
