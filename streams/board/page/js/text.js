// Facts to text and small elements, in the language chosen. What is unknown is a dash with its reason, never 0.

import { h } from "./dom.js";
import { exactText, grouped, looksEqual, yuanParts, yuanText } from "./money.js";
import { linkTo } from "./router.js";
import { HOUR_MS, MINUTE_MS } from "./time.js";
import { inChinese } from "./words/reasons.js";

/** A sentence of the board in the language chosen, where it is known there. */
export function sentence(context, text) {
  const [said, lang] = context.chinese ? inChinese(text) : [text, "en"];
  return h("span", { lang }, said);
}

/** The same as text, for reasons. */
export function worded(context, text) {
  return context.chinese && text ? inChinese(text)[0] : text;
}

/** A dash that says why. */
export function dash(reason) {
  return h("span.dash", { title: reason }, h("span", { "aria-hidden": "true" }, "—"), h("span.unseen", null, reason));
}

/** An amount in both notations, the one of the language first. */
export function money(context, fen, reason) {
  if (fen === null || fen === undefined) return dash(worded(context, reason) ?? context.t.unknown);
  const { latin, han } = yuanParts(fen);
  if (han === null) return h("span.money", null, h("b", null, latin));
  const [first, second] = context.chinese ? [han, latin] : [latin, han];
  return h("span.money", null, h("b", null, first), " ", h("small", null, second));
}

/** An amount as one text. */
export function sum(context, fen) {
  const { latin, han } = yuanParts(fen);
  return context.chinese && han !== null ? `${han} (${latin})` : yuanText(fen);
}

/** An amount as short text in the notation of the language; for axes and for texts that say it twice otherwise. */
export function brief(context, fen) {
  const { latin, han } = yuanParts(fen);
  return context.chinese && han !== null ? han : latin;
}

/** Two amounts, to the fen where they would look equal otherwise. */
export function twoSums(context, fen, other) {
  return looksEqual(fen, other) ? [exactText(fen), exactText(other)] : [sum(context, fen), sum(context, other)];
}

/** A whole number, or a dash. */
export function count(context, number, reason) {
  return number === null || number === undefined ? dash(worded(context, reason) ?? context.t.unknown) : grouped(number);
}

/** 0.8712 -> 87.1 %; cut off, so that 100 % is reached only by all of it. */
export function percent(share) {
  return `${(Math.floor(share * 1000) / 10).toFixed(1)} %`;
}

/** How long something is: 42 s, 12 min, 3 h 5 min, 2 days. */
export function lasting(context, ms) {
  const { t } = context;
  if (ms < 2 * MINUTE_MS) return t.seconds(Math.max(0, Math.round(ms / 1000)));
  if (ms < 2 * HOUR_MS) return t.minutes(Math.round(ms / MINUTE_MS));
  const minutes = Math.round(ms / MINUTE_MS);
  if (ms < 48 * HOUR_MS) return t.hours_minutes(Math.floor(minutes / 60), minutes % 60);
  return t.days(Math.floor(ms / (24 * HOUR_MS)));
}

/** An id as people read it: what is not printable can not break a line. */
export function printable(id) {
  return id.replace(/[\p{C}\p{Zl}\p{Zp}]/gu, "\ufffd");
}

/** The name of an id of a dimension. */
export function named(context, dimension, id) {
  if (dimension === "platform") return context.t.whole_platform;
  if (dimension === "channel") return context.t.channel[id] ?? printable(id);
  return id === "(none)" ? context.t.none : printable(id);
}

/** `cluster haining-fur`, 产业带 haining-fur. */
export function scopeText(context, { dimension, id }) {
  const name = named(context, dimension, id);
  if (dimension === "platform") return name;
  const kind = context.t.dimensions[dimension] ?? dimension;
  return `${context.chinese ? kind : kind.toLowerCase()} ${name}`;
}

/** A link to the page of an id. */
export function link(context, dimension, id, text) {
  return h("a", { href: linkTo(dimension, id) }, text ?? named(context, dimension, id));
}

/** Who leads: an hour, a span of 60 minutes, a session, a sum. */
export function holderText(context, holder) {
  if (holder.kind === "sum") return context.t.reached(sum(context, Number(holder.id.split("/").at(-1))));
  if (holder.kind === "session" || holder.end_ms === null) return printable(holder.id);
  return context.zone.span(holder.start_ms, holder.end_ms);
}
