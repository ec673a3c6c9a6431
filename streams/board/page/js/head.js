// The head of every page: where one is, how fresh the numbers are, the switches; and the loud sign.

import { h } from "./dom.js";
import { LOST_MS, SILENT_MS } from "./stream.js";
import { lasting } from "./text.js";
import { DAY_MS } from "./time.js";

/** What is shown may be this old before that is said loudly. */
const LATE_MS = 180_000;
/** Old events that were counted this lately are being played, not late. */
const MOVED_MS = 90_000;

/** What is said loudly. */
export const LOUD = ["cut", "store", "late", "replay"];

/** How fresh everything is: `{kind, title, more}`; kinds: joining, live, empty, cut, store, late, replay. */
export function freshnessOf(context) {
  const { t, state, now_ms, zone } = context;
  const { freshness, heard_ms } = state;
  if (heard_ms === null) return cutSince(context, context.began_ms) ?? { kind: "joining", title: t.joining };
  const cut = cutSince(context, heard_ms);
  if (cut) return cut;
  if (!freshness.store) return { kind: "store", title: t.store, more: t.store_more };
  if (freshness.as_of_ms === null) return { kind: "empty", title: t.no_watermark };
  const behind_ms = Math.max(0, now_ms + state.skew_ms - freshness.as_of_ms);
  const text = lasting(context, behind_ms);
  if (behind_ms <= LATE_MS) return { kind: "live", title: t.behind(text) };
  if (behind_ms > DAY_MS && now_ms - context.moved_ms < MOVED_MS) {
    return { kind: "replay", title: t.replay, more: t.replay_more(zone.fullDate(freshness.as_of_ms)) };
  }
  const why = freshness.unread ? t.late_unread : t.late_quiet;
  return { kind: "late", title: t.late, more: `${t.late_more(text)} ${why}` };
}

function cutSince(context, heard_ms) {
  const { now_ms, lost_ms } = context;
  const silent_ms = now_ms - heard_ms;
  if (silent_ms <= SILENT_MS && (lost_ms === null || now_ms - lost_ms <= LOST_MS)) return null;
  return { kind: "cut", title: context.t.cut, more: context.t.cut_more(lasting(context, silent_ms)) };
}

/** The head. */
export function head(context) {
  const { t, route } = context;
  const tab = (page, href, text) => h("a", { href, "aria-current": route.page === page ? "page" : null }, text);
  return [
    h(
      "a.brand",
      { href: "#/", "aria-label": `${t.title} · ${t.live}` },
      h("img", { src: "/favicon.svg", alt: "", width: 28, height: 28 }),
      h("span", null, t.title),
    ),
    h(
      "nav",
      { "aria-label": t.title },
      tab("live", "#/", t.live),
      tab("alerts", "#/alerts/", t.alerts_nav),
      tab("report", "#/report/day", t.report),
    ),
    asOf(context),
    h("div.switches", null, h("a", { href: "/docs" }, "API"), languageSwitch(context), themeSwitch(context)),
  ];
}

function asOf(context) {
  const { t, state, zone } = context;
  const fresh = freshnessOf(context);
  const as_of_ms = state.freshness?.as_of_ms ?? null;
  return h(
    "p.as-of",
    { class: fresh.kind },
    as_of_ms !== null && [
      h("span.word", null, t.as_of, " "),
      h(
        "time",
        { datetime: new Date(as_of_ms).toISOString() },
        h("span.date", null, zone.date(as_of_ms), " "),
        h("b", null, zone.clock(as_of_ms)),
      ),
    ],
    h("span.chip", null, h("i", { "aria-hidden": "true" }), fresh.kind === "empty" ? t.live_now : fresh.title),
  );
}

/** The loud sign; nothing while all is well. */
export function alarm(context) {
  const fresh = freshnessOf(context);
  if (!LOUD.includes(fresh.kind)) return null;
  return h("div.sign", { class: fresh.kind }, h("strong", null, fresh.title), h("span", null, fresh.more));
}

function languageSwitch(context) {
  const other = context.chinese ? "en" : "zh-CN";
  return h(
    "button",
    { type: "button", lang: other, on: { click: () => context.choose("lang", other) } },
    context.t.switch_language,
  );
}

function themeSwitch(context) {
  const other = context.dark ? "light" : "dark";
  return h(
    "button",
    { type: "button", on: { click: () => context.choose("theme", other) } },
    context.dark ? context.t.theme_light : context.t.theme_dark,
  );
}
