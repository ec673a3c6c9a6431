// Peaks and records as they happen, with their state.

import { h } from "../dom.js";
import { holderText, link, money, scopeText, sentence, sum, twoSums } from "../text.js";
import { eventsOf, isNet, leads } from "./events.js";

const SHOWN = 40;
/** Narrower scopes of an event that are named. */
const NAMED = 3;
const SIGNS = { provisional: "◌", confirmed: "✓", retracted: "✕", reinstated: "↺", superseded: "⤓" };

/** The section of the live page. */
export function alertsSection(context) {
  const { t, state } = context;
  return h(
    "section.panel.alerts",
    { "aria-labelledby": "alerts-title" },
    h("h2", { id: "alerts-title" }, t.alerts, h("a.aside", { href: "#/alerts/" }, t.all)),
    alertList(context, state.alerts),
  );
}

/** A list of events made of `told` alerts. */
export function alertList(context, told, most = SHOWN) {
  const events = eventsOf(told).slice(0, most);
  if (!events.length) return h("p.quiet", null, context.t.no_alerts);
  return h(
    "ol.events.fit",
    { tabindex: 0 },
    events.map((event) => row(context, event)),
  );
}

function row(context, event) {
  const { t } = context;
  const { lead } = event;
  return h(
    "li",
    {
      key: `${event.key}|${lead.revision}`,
      class: lead.state,
      "data-alert": lead.alert_id,
      "data-revision": lead.revision,
    },
    h(
      "div.top",
      null,
      chip(context, lead.state),
      h("span.what", null, t.rules[lead.rule] ?? lead.rule, isNet(lead) ? ` (${t.net_note})` : ""),
      when(context, lead),
    ),
    h("p.value", null, money(context, lead.value_fen), " ", h("span.of", null, holder(context, lead))),
    h("p.note", null, scopeText(context, lead.scope), before(context, lead)),
    event.others.length ? h("p.note.also", null, t.also, " ", others(context, event.others)) : null,
    lead.reason && h("p.note.reason", null, sentence(context, lead.reason)),
  );
}

/** A state as a sign and a word: never told by colour alone. */
export function chip(context, state) {
  return h(
    `span.state.${state}`,
    null,
    h("i", { "aria-hidden": "true" }, SIGNS[state] ?? "•"),
    context.t.states[state] ?? state,
  );
}

function when(context, alert) {
  const time_ms = alert.event_time_ms ?? alert.detected_at_ms;
  return h(
    "time.when",
    { datetime: new Date(time_ms).toISOString() },
    context.zone.date(time_ms),
    " ",
    context.zone.time(time_ms),
  );
}

function holder(context, alert) {
  const text = holderText(context, alert.holder);
  return alert.holder.kind === "session" ? link(context, "session", alert.holder.id, text) : text;
}

function before(context, { previous, value_fen, state }) {
  if (!previous) return null;
  const [, text] = twoSums(context, value_fen, previous.value_fen);
  const relation = leads(state) ? context.t.above : context.t.against;
  return `${context.t.comma}${relation(text, holderText(context, previous.holder))}`;
}

function others(context, alerts) {
  const left = alerts.length - NAMED;
  const named = alerts.slice(0, NAMED).map((each) => other(context, each));
  return [named.join(context.t.list_comma), left > 0 && ` ${context.t.more(left)}`];
}

function other(context, alert) {
  return scopeText(context, alert.scope) + (isNet(alert) ? ` · ${context.t.net_note}` : "");
}

/** What is read out of an alert. */
export function spoken(context, { alert }) {
  const { t } = context;
  const rule = (t.rules[alert.rule] ?? alert.rule) + (isNet(alert) ? ` (${t.net_note})` : "");
  const state = t.states[alert.state] ?? alert.state;
  return t.said(
    rule,
    state,
    scopeText(context, alert.scope),
    holderText(context, alert.holder),
    sum(context, alert.value_fen),
  );
}
