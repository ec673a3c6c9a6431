// What pages of their own share: answers that are not there yet, facts, tables, curves.

import { bars, chart, label, level, pathOf, water } from "../chart.js";
import { h } from "../dom.js";
import { brief, count, money, sentence, sum } from "../text.js";
import { HOUR_MS, MINUTE_MS } from "../time.js";

/** `draw(data)` once there is an answer; before that a note, and the problem in words if there is one. */
export function withAnswer(context, path, draw) {
  const answer = context.answers.ask(path);
  if (!answer) return h("p.quiet", null, `${context.t.waiting}…`);
  const problem =
    answer.problem && h("p.problem", { role: "status" }, context.t.problem, ": ", sentence(context, answer.problem));
  return [problem, answer.data ? draw(answer.data) : null];
}

/** A list of names and values. */
export function facts(pairs) {
  return h(
    "dl.facts",
    null,
    pairs.filter(Boolean).map(([name, value]) => h("div", { key: name }, h("dt", null, name), h("dd", null, value))),
  );
}

/** The counters of a window as facts; what is null says why. */
export function counterFacts(context, counters) {
  const { t } = context;
  const { reasons } = counters;
  const amount = (name) => money(context, counters[name], reasons[name]);
  const number = (name) => count(context, counters[name], reasons[name]);
  const each = counters.orders_paid ? Math.floor(counters.gmv_fen / counters.orders_paid) : null;
  return facts([
    [t.orders, number("orders_paid")],
    [t.buyers, number("buyers")],
    counters.merchants !== null && [t.distinct_merchants, number("merchants")],
    counters.anchors !== null && [t.distinct_anchors, number("anchors")],
    [t.units, number("units")],
    [t.aov, money(context, each, t.nobody_yet)],
    [t.refunds, amount("refund_fen")],
    [t.net, amount("net_gmv_fen")],
  ]);
}

/** A table in a box that scrolls by keyboard. `columns` are texts, `rows` arrays of cells, the first one the name. */
export function table(label, columns, rows) {
  const head = columns.map((text) => h("th", { scope: "col" }, text));
  const line = ([first, ...cells], index) =>
    h(
      "tr",
      { key: index },
      h("th", { scope: "row" }, first),
      cells.map((cell) => h("td", null, cell)),
    );
  const body = h("table", null, h("thead", null, h("tr", null, head)), h("tbody", null, rows.map(line)));
  return h("div.scroll", { tabindex: 0, role: "group", "aria-label": label }, body);
}

// -- curves -----------------------------------------------------------------------------------------
/** Sums at the end of each window, from `[0, 0]` on; null if one of them is unknown. */
export function risen(windows) {
  let total = 0;
  const sums = windows.map(({ counters }) => (counters.gmv_fen === null ? null : (total += counters.gmv_fen)));
  return sums.includes(null) ? null : [[0, 0], ...sums.map((fen, index) => [index + 1, fen])];
}

/** Water that rises over `span` windows; `mark` is what it may reach. `ticks` are `[position, text]`. */
export function tideCurve(context, said, points, span, { mark, markText, ticks }) {
  const top = points.at(-1)[1];
  const y = [0, Math.max(top * 1.1, (mark ?? 0) * 1.16, 1)];
  const flag = mark ? label("mark", 0, (mark / y[1]) * 100, h("b", null, context.t.high_water), " ", markText) : null;
  const [x_now, fen] = points.at(-1);
  const labels = [flag, label("buoy", (x_now / span) * 100, (fen / y[1]) * 100), axis(ticks, span)];
  return chart("tide", said, [water(points, [0, span], y), mark ? level("mark", mark, y) : null], labels);
}

/** Hours of a day as bars, with those of the day before as a line, as far as hours of both are over. */
export function dayBars(context, windows, before, running_ms) {
  const { t, zone } = context;
  const values = windows.map((window) => window.counters.gmv_fen);
  const over = windows.filter((window) => window.start_ms < running_ms).length;
  const others = before?.slice(0, over).map((window) => window.counters.gmv_fen) ?? [];
  const best = Math.max(0, ...values.map((fen) => fen ?? 0));
  const y = [0, 1.05 * Math.max(best, ...others.map((fen) => fen ?? 0), 1)];
  const classOf = (at) => (windows[at].start_ms === running_ms ? "running" : values[at] === best ? "best" : "");
  const line =
    compared(others) &&
    pathOf(
      others.map((fen, at) => [at + 0.5, fen]),
      [0, 24],
      y,
    );
  const ticks = [0, 6, 12, 18].map((hour) => [hour, zone.time(windows[0].start_ms + hour * HOUR_MS)]);
  return [
    chart(
      "day",
      t.day_chart(sum(context, best)),
      [bars(values, y, classOf), line && h("path.before", { d: line })],
      axis(ticks, 24),
    ),
    h("p.note", null, `${t.best} ${brief(context, best)}`, line && ` · ${t.against_yesterday}`),
  ];
}

function compared(fens) {
  return fens.length > 1 && !fens.includes(null) && fens.some(Boolean);
}

function axis(ticks, span) {
  return ticks.map(([at, text]) =>
    label(`tick.${at === 0 ? "first" : at === span ? "last" : "inner"}`, (at / span) * 100, 0, text),
  );
}

/** Round times along a stretch of `span` minutes that begins at `start_ms`: six of them at most. */
export function timesAlong(zone, start_ms, span) {
  const step = STEPS.find((each) => span / each <= 6) ?? STEPS.at(-1);
  const first = -((start_ms + zone.offset_ms) / MINUTE_MS) % step;
  const found = [];
  for (let at = first + (first < 0 ? step : 0); at < span; at += step)
    found.push([at, zone.time(start_ms + at * MINUTE_MS)]);
  return found;
}

const STEPS = [15, 30, 60, 120, 180, 240, 360, 720, 1440];
