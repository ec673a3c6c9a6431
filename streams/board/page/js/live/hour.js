// The running hour against the best one: water that rises to a high-water mark.

import { chart, label, level, pathOf, water } from "../chart.js";
import { h } from "../dom.js";
import { count, money, percent, sum } from "../text.js";
import { HOUR_MS, MINUTE_MS } from "../time.js";
import { elapsed, needed, recentPace, rising, summed } from "./rising.js";

/** The section. */
export function runningHour(context) {
  const { t, zone, state } = context;
  const { hour, freshness } = state;
  if (!hour) return h("section.panel.hero", null, h("h2", null, t.running_hour), h("p.quiet", null, t.no_watermark));
  const minutes = Math.floor(elapsed(hour, freshness.as_of_ms));
  return h(
    "section.panel.hero",
    { "aria-labelledby": "hour-title" },
    h("div.tide", null, tide(context)),
    h(
      "div.figure",
      null,
      h(
        "h2",
        { id: "hour-title" },
        t.running_hour,
        h("span.aside", null, `${zone.hours(hour.start_ms, hour.end_ms)} · ${t.so_far(minutes)}`),
      ),
      h("p.huge", null, money(context, hour.gmv_fen)),
      h("p.against", { class: standing(hour) }, against(context)),
      pace(context),
    ),
    facts(context),
  );
}

function standing(hour) {
  return hour.best && hour.gmv_fen > hour.best.value_fen ? "over" : "under";
}

function against(context) {
  const { t, state } = context;
  const { best, gmv_fen } = state.hour;
  if (!best) return t.no_best;
  if (gmv_fen > best.value_fen) return t.above_best(sum(context, gmv_fen - best.value_fen));
  return gmv_fen === best.value_fen ? t.equal_best : t.of_best(percent(gmv_fen / best.value_fen));
}

function pace(context) {
  const { t, state } = context;
  const { hour, minutes, freshness } = state;
  const recent = recentPace(minutes);
  const said = recent === null ? null : recent ? t.pace_now(sum(context, recent)) : t.pace_quiet;
  if (!hour.best || hour.gmv_fen > hour.best.value_fen) return h("p.pace", null, said);
  const need = needed(hour, hour.best.value_fen, freshness.as_of_ms);
  return h("p.pace", null, t.to_beat(sum(context, need.per_minute), need.minutes), " ", said);
}

function facts(context) {
  const { t, state } = context;
  const { hour } = state;
  const each = hour.orders_paid ? Math.floor(hour.gmv_fen / hour.orders_paid) : null;
  const fact = (name, value) => h("div", null, h("dt", null, name), h("dd", null, value));
  return h(
    "dl.facts",
    null,
    fact(t.orders, count(context, hour.orders_paid)),
    fact(t.buyers, [h("small", null, t.about, " "), count(context, hour.buyers)]),
    fact(t.aov, money(context, each, t.nobody_yet)),
    fact(t.net, money(context, hour.net_gmv_fen)),
  );
}

// -- the chart --------------------------------------------------------------------------------------
function tide(context) {
  const { t, state } = context;
  const { hour, minutes, freshness } = state;
  const points = rising(hour, minutes, freshness.as_of_ms);
  const best = hour.best?.value_fen ?? 0;
  const y = [0, Math.max(best * 1.16, hour.gmv_fen * 1.1, 1)];
  const ghost = ghostOf(context);
  const share = best ? percent(hour.gmv_fen / best) : null;
  return chart(
    "tide",
    t.hour_chart(sum(context, hour.gmv_fen), share),
    [
      ghost && h("path.ghost", { d: pathOf(ghost, [0, 60], y) }),
      points && water(points, [0, 60], y),
      best ? level("mark", best, y) : null,
    ],
    [best ? markLabel(context, (best / y[1]) * 100) : null, points && now(points, y), quarters(context)],
  );
}

function markLabel(context, height) {
  const { t, zone, state } = context;
  const { holder, value_fen } = state.hour.best;
  return label(
    "mark",
    0,
    height,
    h("b", null, t.high_water),
    " ",
    sum(context, value_fen),
    h("span.when", null, zone.span(holder.start_ms, holder.end_ms)),
  );
}

function now(points, y) {
  const [minute, fen] = points.at(-1);
  return label("buoy", (minute / 60) * 100, (fen / y[1]) * 100);
}

function quarters(context) {
  const { zone, state } = context;
  const { start_ms, end_ms } = state.hour;
  const text = (minute) => (minute === 60 ? zone.end(end_ms) : zone.time(start_ms + minute * MINUTE_MS));
  return [0, 15, 30, 45, 60].map((minute) =>
    label(`tick.${minute === 0 ? "first" : minute === 60 ? "last" : "inner"}`, (minute / 60) * 100, 0, text(minute)),
  );
}

/** The best hour's own rise, while its minutes are kept. */
function ghostOf(context) {
  const best = context.state.hour.best?.holder;
  if (!best) return null;
  const path = `/v1/tallies/platform/all?grain=minute&from_ms=${best.start_ms}&to_ms=${best.start_ms + HOUR_MS}`;
  const sums = context.answers.ask(path)?.data?.windows.map((window) => window.counters.gmv_fen);
  return sums && !sums.includes(null) && sums.some(Boolean) ? summed(sums) : null;
}
