// The last whole hour against the same hour of the day, the week and the year before. Only hours that are over are
// compared: a part against a whole would always look bad.

import { h } from "../dom.js";
import { dash, money } from "../text.js";
import { DAY_MS, HOUR_MS } from "../time.js";

/** An hour is taken for whole this long after its end, even if late orders have changed it since it closed. */
const SURELY_CLOSED_MS = 600_000;

/** The section. */
export function comparison(context) {
  const { t, zone } = context;
  const last = lastWhole(context);
  return h(
    "section.panel.compare",
    { "aria-labelledby": "compare-title" },
    h(
      "h2",
      { id: "compare-title" },
      t.completed_hour,
      last && h("span.aside", null, zone.span(last.start_ms, last.end_ms)),
    ),
    last ? tiles(context, last) : h("p.quiet", null, context.state.hour ? t.waiting : t.no_watermark),
  );
}

/** The newest hour that is over: closed, or ended so long ago that it must be; null while that is not known. */
export function lastWhole(context) {
  const { hour, freshness } = context.state;
  if (!hour) return null;
  const windows = hoursOf(context, hour.start_ms - 3 * HOUR_MS, 3) ?? [];
  const whole = (window) => window.final || window.end_ms + SURELY_CLOSED_MS <= freshness.as_of_ms;
  return windows.findLast(whole) ?? null;
}

function tiles(context, last) {
  const { t, zone } = context;
  const now_fen = last.counters.gmv_fen;
  const row = (name, start_ms) => against(context, name, now_fen, start_ms);
  return [
    h("p.own", null, money(context, now_fen, t.not_kept), " ", !last.final && h("span.note", null, t.not_final)),
    h(
      "dl.others",
      null,
      row(t.yesterday, last.start_ms - DAY_MS),
      row(t.last_week, last.start_ms - 7 * DAY_MS),
      row(t.last_year, zone.yearBefore(last.start_ms)),
    ),
  ];
}

function against(context, name, now_fen, start_ms) {
  const { t } = context;
  const base = start_ms === null ? null : hoursOf(context, start_ms, 1)?.[0];
  const reason = start_ms === null ? t.no_such_day : base === undefined ? t.waiting : reasonOf(context, base);
  const then = reason ? h("span.note", null, reason) : money(context, base.counters.gmv_fen);
  const growth = reason || now_fen === null ? dash(reason ?? t.not_kept) : grown(now_fen, base.counters.gmv_fen);
  return h("div", { key: name }, h("dt", null, name), h("dd", null, growth), h("dd", null, then));
}

function reasonOf({ t }, base) {
  if (base.counters.gmv_fen === null) return t.not_kept;
  return base.counters.gmv_fen === 0 ? t.nothing_then : null;
}

/** `▲ 12.3 %`: a sign, a number, and a colour. Growth is cut towards nothing, not rounded. */
export function grown(now, before) {
  const tenths = Math.trunc((now / before - 1) * 1000) / 10;
  const [kind, sign] = tenths > 0 ? ["up", "▲"] : tenths < 0 ? ["down", "▼"] : ["level", "="];
  return h(`b.${kind}`, null, `${sign} ${Math.abs(tenths).toFixed(1)} %`);
}

function hoursOf({ answers }, start_ms, number) {
  const path = `/v1/tallies/platform/all?grain=hour&from_ms=${start_ms}&to_ms=${start_ms + number * HOUR_MS}`;
  return answers.ask(path)?.data?.windows;
}
