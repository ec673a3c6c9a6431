// The page of a cluster, province, anchor, merchant, …: today, the curve of the hour and of the day, its best, its
// alerts.

import { h } from "../dom.js";
import { link, money, named, sum } from "../text.js";
import { DAY_MS, HOUR_MS } from "../time.js";
import { alertList } from "../live/alerts.js";
import { counterFacts, dayBars, risen, table, tideCurve, timesAlong, withAnswer } from "./parts.js";

const WITH_MINUTES = ["platform", "cluster", "category", "anchor"];
/** Scopes of records; those of peaks are among them. */
const WITH_SESSIONS = ["platform", "category", "cluster", "merchant", "anchor"];

/** The page of `context.route`. */
export function scopePage(context) {
  const { t, route, state } = context;
  const title = h(
    "header.title",
    null,
    h("p", null, t.dimensions[route.dimension]),
    h("h1", null, named(context, route.dimension, route.id)),
  );
  if (!state.hour)
    return h(
      "div.sheet",
      { key: location.hash },
      title,
      h("p.quiet", null, state.freshness ? t.no_watermark : t.joining),
    );
  return h(
    "div.sheet",
    { key: location.hash },
    title,
    section("today", `${t.today} · ${t.today_so_far}`, today(context)),
    section("hour", t.curve_hour, theHour(context)),
    section("day", t.curve_day, theDay(context)),
    section("best-hours", t.best_hours, best(context, "hours")),
    WITH_SESSIONS.includes(route.dimension) && section("best-sessions", t.best_sessions, best(context, "sessions")),
    WITH_SESSIONS.includes(route.dimension) && section("its-alerts", t.its_alerts, alerts(context)),
  );
}

/** A part of a page with its title. */
export function section(name, title, ...content) {
  const id = `${name.split(".")[0]}-title`;
  return h(`section.panel.${name}`, { "aria-labelledby": id, key: name }, h("h2", { id }, title), content);
}

function base({ route }) {
  return `/v1/tallies/${route.dimension}/${encodeURIComponent(route.id)}`;
}

function today(context) {
  return withAnswer(context, `${base(context)}?grain=day&from_ms=${startOfToday(context)}`, ({ windows }) => {
    const { counters } = windows.at(-1);
    return [
      h("p.huge", null, money(context, counters.gmv_fen, counters.reasons.gmv_fen)),
      counterFacts(context, counters),
    ];
  });
}

function startOfToday({ zone, state }) {
  return zone.startOfDay(state.freshness.as_of_ms);
}

// -- curves -----------------------------------------------------------------------------------------
function theHour(context) {
  const { t, route, state, zone } = context;
  const { start_ms, end_ms } = state.hour;
  if (!WITH_MINUTES.includes(route.dimension))
    return h("p.quiet", null, t.no_minutes(t.dimensions[route.dimension].toLowerCase()));
  const bestOf = context.answers.ask(ranked(context, "hours"))?.data?.best;
  return withAnswer(context, `${base(context)}?grain=minute&from_ms=${start_ms}`, ({ windows }) => {
    const points = risen(windows.filter((window) => window.start_ms < end_ms));
    if (!points) return h("p.quiet", null, t.not_kept);
    const fen = points.at(-1)[1];
    const mark = bestOf?.value_fen;
    const markText = mark && [
      sum(context, mark),
      h("span.when", null, zone.span(bestOf.holder.start_ms, bestOf.holder.end_ms)),
    ];
    const ticks = timesAlong(zone, start_ms, 60);
    return [
      h("p.figure-line", null, h("span", null, t.hour_of(zone.hours(start_ms, end_ms))), money(context, fen)),
      tideCurve(context, t.hour_chart(sum(context, fen)), points, 60, { mark, markText, ticks }),
    ];
  });
}

function theDay(context) {
  const start_ms = startOfToday(context);
  const path = (from_ms) => `${base(context)}?grain=hour&from_ms=${from_ms}&to_ms=${from_ms + DAY_MS}`;
  const before = context.answers.ask(path(start_ms - DAY_MS))?.data?.windows;
  return withAnswer(context, path(start_ms), ({ windows }) =>
    dayBars(context, windows, before, context.state.hour.start_ms),
  );
}

// -- the best ---------------------------------------------------------------------------------------
function ranked({ route }, kind) {
  return `/v1/rankings/${kind}?scope=${encodeURIComponent(`${route.dimension}:${route.id}`)}&limit=5`;
}

function best(context, kind) {
  const { t, zone } = context;
  const name = kind === "hours" ? t.best_hours : t.best_sessions;
  return withAnswer(context, ranked(context, kind), ({ rows, since_ms }) => {
    if (!rows.length) return h("p.quiet", null, t.no_rows);
    const who = ({ holder }) =>
      kind === "hours" ? zone.span(holder.start_ms, holder.start_ms + HOUR_MS) : link(context, "session", holder.id);
    const lines = rows.map((row) => [who(row), money(context, row.value_fen), row.state === "open" ? t.open : ""]);
    const since =
      since_ms === null || since_ms === undefined ? null : h("p.note", null, t.since(zone.fullDate(since_ms)));
    return [table(name, [kind === "hours" ? t.hour : t.dimensions.session, t.gmv, t.state], lines), since];
  });
}

function alerts(context) {
  const { dimension, id } = context.route;
  const path = `/v1/alerts?limit=50&scope=${encodeURIComponent(`${dimension}:${id}`)}`;
  return withAnswer(context, path, (data) => alertList(context, [...data.alerts].reverse()));
}
