// How much history scopes have: without it there are no peaks and records.

import { h } from "../dom.js";
import { dash, link, named } from "../text.js";

const CAPPED = 16;

/** The section. */
export function historySection(context) {
  const { t, state } = context;
  const { history } = state;
  return h(
    "section.panel.history",
    { "aria-labelledby": "history-title" },
    h("h2", { id: "history-title" }, t.history),
    history ? table(context) : h("p.quiet", null, t.no_watermark),
  );
}

function table(context) {
  const { t, state } = context;
  const { hours, sessions } = state.history;
  const of = (list, scope) =>
    list.find((each) => each.scope.dimension === scope.dimension && each.scope.id === scope.id);
  const scopes = [...hours, ...sessions.filter((each) => !of(hours, each.scope))].map((each) => each.scope);
  return [
    h("p.note", null, t.history_note((hours[0] ?? sessions[0])?.needed ?? 3)),
    h(
      "div.scroll.fit",
      { tabindex: 0, role: "group", "aria-labelledby": "history-title" },
      h(
        "table",
        null,
        h(
          "thead",
          null,
          h(
            "tr",
            null,
            h("th", { scope: "col" }, t.scope),
            h("th", { scope: "col" }, t.hours),
            h("th", { scope: "col" }, t.sessions),
          ),
        ),
        h(
          "tbody",
          null,
          scopes.map((scope) => row(context, scope, of(hours, scope), of(sessions, scope))),
        ),
      ),
    ),
  ];
}

function row(context, scope, hours, sessions) {
  const kind = scope.dimension === "platform" ? null : h("small", null, context.t.dimensions[scope.dimension], " ");
  return h(
    "tr",
    { key: `${scope.dimension}:${scope.id}` },
    h(
      "th",
      { scope: "row" },
      kind,
      link(context, scope.dimension, scope.id, named(context, scope.dimension, scope.id)),
    ),
    h("td", null, amount(context, hours)),
    h("td", null, amount(context, sessions)),
  );
}

/** How many of the holders that are needed there are, as a meter and a number. */
function amount(context, standing) {
  if (!standing) return dash(context.t.unknown);
  const { history, needed } = standing;
  const full = Math.min(history, needed);
  const number = history < needed ? `${history} / ${needed}` : history >= CAPPED ? `${CAPPED}+` : history;
  return [
    h("span.meter", { "aria-hidden": "true" }, "●".repeat(full) + "○".repeat(needed - full)),
    h("span", { class: history < needed ? "short" : null }, number),
  ];
}
