// The sections of the live page, each drawn whole from its part of the state. Null is unknown, and is never shown as 0.

import { bar, bars, tide } from "./charts.js";
import { minuteOf, shortOf } from "./clock.js";
import { element, linkTo, show } from "./dom.js";
import { frame, word } from "./frame.js";
import { money, notations } from "./money.js";

const DASH = "–";
/** A record that is so far away at this pace is not on its way. */
const FAR_MINUTES = 720;
const yuan = (fen) => money(fen, frame.language);
const count = (number) => number.toLocaleString("en-US");

export function drawHour(hour) {
  show("hour-title", hour ? `${word("hourTitle")} ${minuteOf(hour.start_ms)}–${minuteOf(hour.end_ms)}` : word("waiting"));
  if (!hour) {
    for (const id of ["hour-gmv", "hour-gmv-other", "tide", "hour-facts"]) show(id, id === "hour-gmv" ? DASH : "");
    return;
  }
  const [western, yi] = notations(hour.gmv_fen), chinese = frame.language === "zh" && yi !== null;
  show("hour-gmv", chinese ? yi : western);
  show("hour-gmv-other", chinese ? western : (yi ?? ""));
  const best = hour.best;
  const label = best
    ? `${yuan(hour.gmv_fen)}; ${word("best")} ${yuan(best.value_fen)} (${shortOf(best.holder.start_ms)})`
    : `${yuan(hour.gmv_fen)}; ${word("noBest")}`;
  show("tide", tide(hour.gmv_fen, best?.value_fen ?? null, label), element("p", "crest", crest(hour, best)));
  show("hour-facts", [
    fact("orders", count(hour.orders_paid)),
    fact("buyers", hour.buyers === null ? DASH : count(hour.buyers)),
    fact("net", yuan(hour.net_gmv_fen)),
  ].flat());
}

function crest(hour, best) {
  if (!best) return [word("noBest")];
  const left = best.value_fen - hour.gmv_fen;
  const beside = left >= 0 ? `${yuan(left)} ${word("toGo")}` : `${yuan(-left)} ${word("above")}`;
  return [element("b", "", `${word("best")} ${yuan(best.value_fen)}`), ` ${shortOf(best.holder.start_ms)} · ${beside}`];
}

const fact = (key, value) => [element("dt", "", word(key)), element("dd", "", value)];

export function drawMinutes(minutes) {
  show("minutes-title", minutes ? word("minutes") : "");
  if (!minutes) return show("minutes", "");
  const known = minutes.gmv_fen.filter((fen) => fen !== null);
  const label = `${word("minutes")}: ${known.length ? yuan(Math.max(...known)) : word("unknown")}`;
  const from = minuteOf(minutes.start_ms), until = minuteOf(minutes.start_ms + minutes.gmv_fen.length * 60_000);
  const axis = element("p", "axis", [element("span", "", from), element("span", "", until)], { "aria-hidden": "true" });
  show("minutes", bars(minutes.gmv_fen, label, true), axis);
}

export function drawChannels(channels) {
  show("channels", (channels ?? []).map((each) => element("p", "", [
    element("span", "", word(each.id)),
    element("b", "", each.share === null ? DASH : `${(each.share * 100).toFixed(1)} %`),
    bar(each.share ?? 0, `channel-${each.id}`),
  ])));
}

export function drawRanked(id, dimension, leaders) {
  show(`${id}-title`, word(id));
  if (!leaders) return show(id, element("li", "empty", word("reading")));
  if (!leaders.length) return show(id, element("li", "empty", word("noSales")));
  const most = leaders[0].gmv_fen;
  show(id, leaders.map((each) => element("li", "", [
    element("span", "rank", String(each.rank)),
    linkTo(dimension, each.id),
    element("b", "", yuan(each.gmv_fen)),
    bar(most ? each.gmv_fen / most : 0),
  ])));
}

export function drawSessions(sessions) {
  show("sessions-title", word("sessions"), sessions ? element("small", "", word("more", { count: count(sessions.count) })) : null);
  if (!sessions?.top.length) return show("sessions", element("li", "empty", sessions ? word("noSessions") : word("reading")));
  show("sessions", sessions.top.map((each) => element("li", "", [
    linkTo("session", each.session_id, each.declared.title ?? each.session_id),
    element("b", "", yuan(each.gmv_fen)),
    ...race(each),
  ])));
}

/** A session against the widest record that it has not beaten yet; if it has beaten all, against the widest. */
function race(session) {
  const records = session.records.filter((each) => each.best);
  const ahead = records.find((each) => each.best.value_fen >= session.gmv_fen) ?? records[0];
  if (!ahead) return [element("p", "note", word("noRecord"))];
  const left = ahead.best.value_fen - session.gmv_fen, scope = named(ahead.scope);
  if (left < 0) return [bar(1, "over"), element("p", "note", word("beaten", { scope, money: yuan(-left) }))];
  const minutes = session.recent_fen > 0 ? Math.ceil(left / (session.recent_fen / 10)) : FAR_MINUTES;
  const soon = minutes < FAR_MINUTES ? `, ${word("atPace", { minutes: count(minutes) })}` : "";
  const note = word("toRecord", { scope, money: yuan(left) }) + soon;
  return [bar(session.gmv_fen / ahead.best.value_fen), element("p", "note", note)];
}

function named(scope) {
  return scope.dimension === "platform" ? word("platform") : `${word(scope.dimension)} ${scope.id}`;
}

export function drawAlerts(alerts, history) {
  show("alerts-title", word("alerts"));
  const needed = history?.hours[0]?.needed ?? history?.sessions[0]?.needed ?? 3;
  if (!alerts.length) return show("alerts", element("li", "empty", word("noAlerts", { needed })));
  show("alerts", [...alerts].reverse().map(({ alert }) => element("li", `state-${alert.state}`, [
    element("p", "what", [
      element("span", "state", word(alert.state)),
      element("b", "", word(alert.rule)),
      ` ${named(alert.scope)}`,
      alert.metric.includes(".net.") ? ` (${word("netMetric")})` : "",
    ]),
    element("p", "sum", yuan(alert.value_fen)),
    element("p", "note", [
      alert.holder.kind === "session" ? linkTo("session", alert.holder.id) : shortOf(alert.holder.start_ms),
      alert.previous ? ` · ${word("over", { money: yuan(alert.previous.value_fen) })}` : "",
    ]),
  ], { "data-alert": alert.alert_id })));
}
