// What a report is made of: an hour, a day or the year, by place, by growth, by reach. Growth compares whole windows.

import { h } from "../dom.js";
import { count, dash, link, money, worded } from "../text.js";
import { DAY_MS } from "../time.js";
import { grown, lastWhole } from "../live/compare.js";
import { counterFacts, table, withAnswer } from "./parts.js";
import { section } from "./scope.js";

const WINDOWS = ["hour", "day", "today", "year"];

/** The page of `context.route.window`. */
export function reportPage(context) {
  const { t, route, state } = context;
  const chosen = WINDOWS.includes(route.window) ? route.window : "day";
  const tab = (name) =>
    h(
      "a",
      { key: name, href: `#/report/${name}`, "aria-current": name === chosen ? "page" : null },
      t.report_windows[name],
    );
  const asked = state.hour && windowOf(context, chosen);
  return h(
    "div.sheet.report",
    { key: `report-${chosen}` },
    h("header.title", null, h("h1", null, t.report), h("nav.tabs", { "aria-label": t.report }, WINDOWS.map(tab))),
    asked ? sections(context, chosen, asked) : h("p.quiet", null, state.hour ? `${t.waiting}…` : t.no_watermark),
  );
}

/** The query of a window, and its first instant; null while it is not known. */
function windowOf(context, chosen) {
  const { zone, state } = context;
  const today_ms = zone.startOfDay(state.freshness.as_of_ms);
  if (chosen === "year") return { query: "window=year" };
  if (chosen === "today") return { query: `window=day&at_ms=${today_ms}`, start_ms: today_ms, grain: "day" };
  if (chosen === "day")
    return { query: `window=day&at_ms=${today_ms - DAY_MS}`, start_ms: today_ms - DAY_MS, grain: "day" };
  const last = lastWhole(context);
  return last && { query: `window=hour&at_ms=${last.start_ms}`, start_ms: last.start_ms, grain: "hour" };
}

function sections(context, chosen, asked) {
  const { t } = context;
  const list = (name, kind, by) => section(`${kind}-${by}`, `${t[kind]} · ${name}`, ranking(context, kind, by, asked));
  const growth = (kind) =>
    section(
      `${kind}-growth`,
      `${t[kind]} · ${t.by_growth}`,
      chosen === "today"
        ? h("p.quiet", null, t.growth_open)
        : [h("p.note", null, t.growth_against[chosen]), ranking(context, kind, "growth", asked)],
    );
  const distinct = chosen !== "year";
  return [
    asked.grain && section("business", `${t.business} · ${span(context, asked)}`, business(context, asked)),
    section("channels", t.channels, channels(context, chosen, asked)),
    list(t.by_sales, "provinces", "gmv"),
    growth("provinces"),
    list(t.by_sales, "clusters", "gmv"),
    growth("clusters"),
    distinct && list(t.by_merchants, "clusters", "merchants"),
    list(t.by_orders, "clusters", "orders"),
    distinct && list(t.by_buyers, "clusters", "buyers"),
    list(t.by_sales, "merchants", "gmv"),
    list(t.by_sales, "anchors", "gmv"),
    section("passed", t.passed, passed(context)),
  ];
}

function span({ zone }, { start_ms, grain }) {
  return grain === "hour" ? zone.span(start_ms, start_ms + 3_600_000) : zone.fullDate(start_ms);
}

function business(context, { start_ms, grain }) {
  return withAnswer(
    context,
    `/v1/tallies/platform/all?grain=${grain}&from_ms=${start_ms}&to_ms=${start_ms + 1}`,
    ({ windows: [window] }) => [
      h("p.huge", null, money(context, window.counters.gmv_fen, window.counters.reasons.gmv_fen)),
      counterFacts(context, window.counters),
    ],
  );
}

// -- rankings ---------------------------------------------------------------------------------------
const SINGULAR = {
  provinces: "province",
  clusters: "cluster",
  merchants: "merchant",
  anchors: "anchor",
  channels: "channel",
};

function ranking(context, kind, by, { query }) {
  const { t } = context;
  return withAnswer(context, `/v1/rankings/${kind}?by=${by}&${query}&limit=10`, ({ rows }) => {
    const shown = rows.filter((row) => row.value);
    if (!shown.length) return h("p.quiet", null, (rows.length && worded(context, rows[0].reasons.value)) || t.no_rows);
    const lines = shown.map((row) =>
      [
        [h("span.rank", null, row.rank), " ", link(context, SINGULAR[kind], row.id)],
        by === "gmv" ? null : value(context, by, row),
        money(context, row.gmv_fen),
      ].filter((cell) => cell !== null),
    );
    return table(`${t[kind]} ${by}`, [t.name, ...(by === "gmv" ? [] : [t[`column_${by}`]]), t.gmv], lines);
  });
}

function value(context, by, row) {
  if (by !== "growth") return count(context, row.value, row.reasons.value);
  return row.before
    ? grown(row.gmv_fen, row.before)
    : dash(worded(context, row.reasons.value) ?? context.t.nothing_then);
}

/** Shares of the channels, and how their orders grew where the window before is known. */
function channels(context, chosen, asked) {
  const { t } = context;
  return withAnswer(context, `/v1/rankings/channels?${asked.query}`, ({ rows }) => {
    if (!rows.length) return h("p.quiet", null, t.no_rows);
    const total = rows.reduce((sum, row) => sum + row.gmv_fen, 0);
    const lines = rows.map((row) => [
      link(context, "channel", row.id),
      total ? `${((row.gmv_fen / total) * 100).toFixed(1)} %` : dash(t.no_rows),
      money(context, row.gmv_fen),
      count(context, row.orders_paid),
      orderGrowth(context, chosen, asked, row),
    ]);
    return table(t.channels, [t.name, t.share, t.gmv, t.orders, t.order_growth], lines);
  });
}

function orderGrowth(context, chosen, { start_ms }, row) {
  const { t } = context;
  if (chosen !== "hour" && chosen !== "day") return dash(t.growth_open);
  const before_ms = start_ms - (chosen === "hour" ? DAY_MS : 7 * DAY_MS);
  const answer = context.answers.ask(`/v1/rankings/channels?window=${chosen}&at_ms=${before_ms}`);
  const before = answer?.data?.rows.find((each) => each.id === row.id)?.orders_paid;
  if (!answer || answer.problem) return dash(worded(context, answer?.problem) ?? t.waiting);
  return before ? grown(row.orders_paid, before) : dash(t.nothing_then);
}

function passed(context) {
  const { t } = context;
  return withAnswer(context, "/v1/rankings/passed?limit=10", ({ count: number, rows }) => [
    h("p.huge", null, h("b", null, number)),
    rows.length
      ? table(
          t.passed,
          [t.name, t.gmv],
          rows.map((row) => [link(context, "cluster", row.id), money(context, row.gmv_fen)]),
        )
      : h("p.quiet", null, t.passed_none),
  ]);
}
