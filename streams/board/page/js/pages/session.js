// The page of a session: its curve, its hours, the records that it has to beat.

import { h } from "../dom.js";
import { count, dash, link, money, printable, scopeText, sum } from "../text.js";
import { MINUTE_MS } from "../time.js";
import { alertList } from "../live/alerts.js";
import { counterFacts, facts, risen, table, tideCurve, timesAlong, withAnswer } from "./parts.js";
import { section } from "./scope.js";

/** The page of `context.route`. */
export function sessionPage(context) {
  const { t, route } = context;
  return h(
    "div.sheet",
    { key: location.hash },
    withAnswer(context, `/v1/sessions/${encodeURIComponent(route.id)}`, (session) => [
      h(
        "header.title",
        { key: "title" },
        h("p", null, t.dimensions.session),
        h("h1", null, title(session)),
        declared(context, session),
      ),
      section(
        "today.alone",
        `${t.gmv} · ${session.final ? t.final : t.not_yet_final}`,
        h("p.huge", null, money(context, session.total.gmv_fen)),
        counterFacts(context, session.total),
      ),
      section("curve", t.curve_session, curve(context, session)),
      section("records", t.records, records(context, session)),
      section("hours", t.hours, hours(context, session)),
      section("its-alerts", t.its_alerts, alerts(context, session)),
    ]),
  );
}

function title({ declared, session_id }) {
  return printable(declared.title ?? session_id);
}

function declared(context, session) {
  const { t, zone } = context;
  const { declared: said, end_ms } = session;
  const time = (ms) => `${zone.date(ms)} ${zone.time(ms)}`;
  const page = (dimension, id) => id && [t.dimensions[dimension], link(context, dimension, id)];
  return facts([
    [t.state, t[session.state]],
    [t.started, said.start_ms === null ? dash(t.no_start) : time(said.start_ms)],
    [t.end, end_ms === null ? dash(t.no_end) : time(end_ms)],
    page("anchor", said.anchor_id),
    page("merchant", said.merchant_id),
    page("cluster", said.cluster_id),
    page("category", said.category),
    said.title && [t.dimensions.session, printable(session.session_id)],
  ]);
}

// -- the curve --------------------------------------------------------------------------------------
function curve(context, session) {
  const { t, zone } = context;
  const start_ms = session.declared.start_ms ?? session.hours[0]?.start_ms;
  if (start_ms === undefined || session.as_of_ms === null) return h("p.quiet", null, t.no_rows);
  const from_ms = Math.floor(start_ms / MINUTE_MS) * MINUTE_MS;
  // an open one is read up to the watermark, by a path that stays the same
  const until = session.end_ms === null ? "" : `&to_ms=${Math.max(from_ms, session.end_ms) + 1}`;
  const query = `grain=minute&from_ms=${from_ms}${until}`;
  const path = `/v1/tallies/session/${encodeURIComponent(session.session_id)}?${query}`;
  return withAnswer(context, path, ({ windows }) => {
    const points = risen(windows);
    if (!points) return h("p.quiet", null, t.curve_old);
    const next = session.records.find((each) => each.best && each.best.holder.id !== session.session_id)?.best;
    const span = Math.max(60, windows.length);
    const markText = next && [sum(context, next.value_fen), h("span.when", null, printable(next.holder.id))];
    const options = { mark: next?.value_fen, markText, ticks: timesAlong(zone, from_ms, span) };
    return tideCurve(context, `${t.curve_session}: ${sum(context, points.at(-1)[1])}`, points, span, options);
  });
}

function records(context, session) {
  const { t } = context;
  if (!session.records.length) return h("p.quiet", null, t.no_start);
  const line = (each) => [
    scopeText(context, each.scope),
    each.best ? money(context, each.best.value_fen) : dash(t.no_record),
    each.best ? link(context, "session", each.best.holder.id) : dash(t.no_record),
    each.history < each.needed ? `${each.history} / ${each.needed}` : `n ${each.history >= 16 ? "16+" : each.history}`,
  ];
  return table(t.records, [t.scope, t.best, t.dimensions.session, t.history], session.records.map(line));
}

function hours(context, session) {
  const { t, zone } = context;
  if (!session.hours.length) return h("p.quiet", null, t.no_rows);
  const line = ({ start_ms, end_ms, counters, final }) => [
    zone.span(start_ms, end_ms),
    money(context, counters.gmv_fen, counters.reasons.gmv_fen),
    count(context, counters.orders_paid, counters.reasons.orders_paid),
    money(context, counters.net_gmv_fen, counters.reasons.net_gmv_fen),
    final ? t.final : t.not_yet_final,
  ];
  return table(t.hours, [t.hour, t.gmv, t.orders, t.net, t.state], session.hours.map(line));
}

/** Alerts of its own hours, and those of its scopes that are about it. */
function alerts(context, session) {
  const scopes = [
    `session:${session.session_id}`,
    ...session.records.map(({ scope }) => `${scope.dimension}:${scope.id}`),
  ];
  const answers = scopes.map((scope) => context.answers.ask(`/v1/alerts?limit=100&scope=${encodeURIComponent(scope)}`));
  if (answers.includes(null)) return h("p.quiet", null, `${context.t.waiting}…`);
  const about = ({ alert }) =>
    alert.scope.dimension === "session" || alert.holder.id.split("/")[0] === session.session_id;
  const told = answers.flatMap((answer) => answer.data?.alerts ?? []).filter(about);
  const order = ({ entry }) => Number(entry.split("-")[0]);
  return alertList(
    context,
    told.sort((one, other) => order(one) - order(other)),
  );
}
