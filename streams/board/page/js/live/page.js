// The live page: what a team leaves on the wall.

import { h } from "../dom.js";
import { alertsSection } from "./alerts.js";
import { channelShares } from "./channels.js";
import { comparison } from "./compare.js";
import { historySection } from "./history.js";
import { runningHour } from "./hour.js";
import { leaderboard } from "./leaders.js";
import { lastMinutes } from "./minutes.js";
import { openSessions } from "./sessions.js";

/** Before the first event there is one thing to say, and nothing to draw. */
function waiting({ t, state }) {
  const text = state.freshness ? t.no_watermark : t.joining;
  return h(
    "div.waiting",
    { key: "waiting" },
    h("h1.unseen", null, t.live),
    h("img", { src: "/favicon.svg", alt: "" }),
    h("p", null, text),
  );
}

/** Everything of it. */
export function livePage(context) {
  const { t, state } = context;
  if (!state.hour) return waiting(context);
  return h(
    "div.wall",
    { key: "live" },
    h("h1.unseen", null, t.live),
    runningHour(context),
    lastMinutes(context),
    comparison(context),
    channelShares(context),
    alertsSection(context),
    openSessions(context),
    leaderboard(context, "clusters", "cluster", state.clusters),
    leaderboard(context, "anchors", "anchor", state.anchors),
    historySection(context),
  );
}
