// The open sessions, with their pace against the records of their scopes.

import { h } from "../dom.js";
import { brief, count, lasting, link, money, printable, scopeText, sum } from "../text.js";
import { HOUR_MS } from "../time.js";
import { reach } from "./reach.js";

/** At a pace that takes longer than this, nothing is promised. */
const FORESEEN_MS = 6 * HOUR_MS;

/** The section. */
export function openSessions(context) {
  const { t, state } = context;
  const { sessions } = state;
  const many = sessions && sessions.count > sessions.top.length;
  return h(
    "section.panel.sessions",
    { "aria-labelledby": "sessions-title" },
    h(
      "h2",
      { id: "sessions-title" },
      t.open_sessions,
      sessions && h("span.aside", null, many ? t.shown_of(sessions.top.length, sessions.count) : sessions.count),
    ),
    rows(context),
  );
}

function rows(context) {
  const { t, state } = context;
  if (!state.sessions) return h("p.quiet", null, t.no_watermark);
  if (!state.sessions.top.length) return h("p.quiet", null, t.no_sessions);
  return h(
    "ul.shows.fit",
    { tabindex: 0 },
    state.sessions.top.map((session) => row(context, session)),
  );
}

function row(context, session) {
  const { declared } = session;
  const found = reach(session);
  const share = found.kind === "next" ? found.share : found.kind === "beaten" ? 1 : 0;
  return h(
    "li",
    { key: session.session_id, class: found.kind, style: { "--share": `${Math.round(share * 1000) / 10}%` } },
    h(
      "div.top",
      null,
      h(
        "span.name",
        null,
        link(context, "session", session.session_id, declared.title ? printable(declared.title) : undefined),
      ),
      money(context, session.gmv_fen),
    ),
    h("div.bar", { "aria-hidden": "true" }, h("i")),
    h("p.note", null, told(context, session, found)),
    h("p.note.who", null, who(context, session)),
  );
}

/** One line: which record is next, and when it is reached at this pace. */
function told(context, session, found) {
  const { t } = context;
  if (found.kind === "history") return t.history_short(found.n, found.needed);
  if (found.kind === "none") return t.no_record;
  const scope = scopeText(context, found.scope);
  if (found.kind === "beaten") return h("strong", null, t.beats(scope));
  const short = sum(context, found.short_fen);
  if (session.end_ms === null && found.in_ms === null) return t.not_moving(scope, short);
  if (found.in_ms === null || found.in_ms > FORESEEN_MS) return t.far(scope, short);
  return t.at_pace(scope, lasting(context, found.in_ms));
}

function who(context, session) {
  const { t } = context;
  const { anchor_id, cluster_id } = session.declared;
  return [
    session.end_ms !== null && h("span.chip", null, t.ended),
    anchor_id && h("span", null, link(context, "anchor", anchor_id)),
    cluster_id && h("span", null, link(context, "cluster", cluster_id)),
    h("span", null, t.order_count(count(context, session.orders_paid))),
    h("span", null, t.recent(brief(context, session.recent_fen))),
  ];
}
