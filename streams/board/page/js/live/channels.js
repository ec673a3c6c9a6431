// Channel shares of the running hour.

import { h } from "../dom.js";
import { dash, link, money, percent } from "../text.js";

/** The section. */
export function channelShares(context) {
  const { t, state } = context;
  return h(
    "section.panel.channels",
    { "aria-labelledby": "channels-title" },
    h("h2", { id: "channels-title" }, t.channels, h("span.aside", null, t.this_hour)),
    state.channels?.length ? drawn(context) : h("p.quiet", null, state.hour ? t.channels_none : t.no_watermark),
  );
}

function drawn(context) {
  const { state } = context;
  const width = ({ share }) => ({ "--share": `${(share ?? 0) * 100}%` });
  return [
    h(
      "div.stack",
      { "aria-hidden": "true" },
      state.channels.map((each) => h(`i.${kind(each.id)}`, { key: each.id, style: width(each) })),
    ),
    h(
      "ul.shares",
      null,
      state.channels.map((each) => row(context, each)),
    ),
  ];
}

function row(context, { id, share, gmv_fen }) {
  return h(
    "li",
    { key: id },
    h(`i.${kind(id)}`, { "aria-hidden": "true" }),
    h("span.name", null, link(context, "channel", id)),
    h("b", null, share === null ? dash(context.t.channels_none) : percent(share)),
    money(context, gmv_fen),
  );
}

function kind(id) {
  return ["live", "shelf", "short_video"].includes(id) ? id : "other";
}
