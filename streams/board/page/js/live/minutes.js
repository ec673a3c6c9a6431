// The last 60 minutes, a bar each.

import { bars, chart, label } from "../chart.js";
import { h } from "../dom.js";
import { sum } from "../text.js";
import { MINUTE_MS } from "../time.js";

/** The section. */
export function lastMinutes(context) {
  const { t, state } = context;
  return h(
    "section.panel.minutes",
    { "aria-labelledby": "minutes-title" },
    h("h2", { id: "minutes-title" }, t.last_60),
    state.minutes ? drawn(context) : h("p.quiet", null, t.no_watermark),
  );
}

function drawn(context) {
  const { t, zone, state } = context;
  const { start_ms, gmv_fen } = state.minutes;
  const best = Math.max(...gmv_fen.map((fen) => fen ?? 0));
  if (!best) return h("p.quiet", null, t.minutes_none);
  const index = gmv_fen.indexOf(best);
  const time = zone.time(start_ms + index * MINUTE_MS);
  const classOf = (at) => (at === index ? "best" : at === gmv_fen.length - 1 ? "running" : "");
  return [
    chart("spark", t.minutes_chart(sum(context, best), time), bars(gmv_fen, [0, best], classOf), hours(context)),
    h("p.note", null, t.peak_minute(sum(context, best), time)),
  ];
}

/** Where a clock hour begins, and the two ends. */
function hours(context) {
  const { zone, state } = context;
  const { start_ms, gmv_fen } = state.minutes;
  return gmv_fen.map((_, index) => {
    const begins_ms = start_ms + index * MINUTE_MS;
    const whole = zone.startOfHour(begins_ms) === begins_ms;
    return whole && label("tick.inner", (index / gmv_fen.length) * 100, 0, zone.time(begins_ms));
  });
}
