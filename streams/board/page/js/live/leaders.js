// Who leads in the running hour: clusters, anchors.

import { h } from "../dom.js";
import { count, link, money } from "../text.js";

/** A section with the leaders of a dimension; `leaders` is null while they are read. */
export function leaderboard(context, kind, dimension, leaders) {
  const { t } = context;
  return h(
    `section.panel.leaders.${kind}`,
    { "aria-labelledby": `${kind}-title` },
    h("h2", { id: `${kind}-title` }, t[kind], h("span.aside", null, t.this_hour)),
    rows(context, dimension, leaders),
  );
}

function rows(context, dimension, leaders) {
  const { t, state } = context;
  if (!leaders) return h("p.quiet", null, state.hour ? t.reading_hour : t.no_watermark);
  if (!leaders.length) return h("p.quiet", null, t.nobody_yet);
  const most = leaders[0].gmv_fen;
  return h(
    "ol.ranks.fit",
    { tabindex: 0 },
    leaders.map((leader) => row(context, dimension, leader, most)),
  );
}

function row(context, dimension, leader, most) {
  const share = `${Math.round((leader.gmv_fen / most) * 1000) / 10}%`;
  return h(
    "li",
    { key: leader.id, style: { "--share": share } },
    h("span.rank", { "aria-hidden": "true" }, leader.rank),
    h(
      "span.name",
      null,
      link(context, dimension, leader.id),
      h("small", null, context.t.order_count(count(context, leader.orders_paid))),
    ),
    money(context, leader.gmv_fen),
  );
}
