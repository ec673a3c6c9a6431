// Alerts put together: revisions of one alert, and alerts of one event (one rule, holder and state) at several
// scopes, as people are told of them (`streams/notify/events.py`). Pure.

/** Scopes from the widest. */
export const WIDEST = [
  "platform",
  "category",
  "cluster",
  "province",
  "city",
  "channel",
  "merchant",
  "anchor",
  "room",
  "session",
];

/** Events, the newest first: `{key, lead, others, number}`, of the latest revision of each alert. `lead` is the
 * one at the widest scope, gross before net; `number` is the entry of the newest. */
export function eventsOf(told) {
  const latest = new Map(told.map((each) => [each.alert.alert_id, each]));
  const events = new Map();
  for (const each of latest.values()) {
    const key = eventKey(each.alert);
    events.set(key, [...(events.get(key) ?? []), each]);
  }
  return [...events].map(([key, members]) => eventOf(key, members)).sort((one, other) => other.number - one.number);
}

function eventKey({ rule, holder, state }) {
  return `${rule}|${holder.kind}|${holder.id}|${state}`;
}

function eventOf(key, members) {
  const [lead, ...others] = members.map((each) => each.alert).sort(byWidth);
  const number = Math.max(...members.map((each) => Number(each.entry.split("-")[0])));
  return { key, lead, others, number };
}

function byWidth(one, other) {
  return width(one) - width(other) || isNet(one) - isNet(other) || other.value_fen - one.value_fen;
}

function width({ scope }) {
  const at = WIDEST.indexOf(scope.dimension);
  return at < 0 ? WIDEST.length : at;
}

/** Whether an alert is of what is left after refunds. */
export function isNet({ metric }) {
  return metric === "gmv.paid.net.v1" ? 1 : 0;
}

/** Whether the holder leads in this state. */
export function leads(state) {
  return state === "provisional" || state === "confirmed" || state === "reinstated";
}
