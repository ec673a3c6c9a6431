// How far an open session is from the records of its scopes. Pure.

/** What there is to say of a session's records, the most telling first: `{kind: "history", n, needed}` no scope
 * has enough history · `{kind: "none"}` nothing closed yet · `{kind: "beaten", scope}` it is above all of them ·
 * `{kind: "next", scope, best_fen, short_fen, share, in_ms, widest}`. `beaten` are the scopes whose record it is
 * above, the widest first. */
export function reach(session) {
  const ripe = session.records.filter((each) => each.history >= each.needed && each.best);
  if (!ripe.length) return without(session);
  const beaten = ripe.filter((each) => session.gmv_fen > each.best.value_fen).map((each) => each.scope);
  const ahead = ripe.filter((each) => session.gmv_fen <= each.best.value_fen);
  if (!ahead.length) return { kind: "beaten", scope: beaten[0], beaten };
  const next = ahead.reduce((one, other) => (other.best.value_fen < one.best.value_fen ? other : one));
  const best_fen = next.best.value_fen;
  const short_fen = best_fen + 1 - session.gmv_fen;
  const per_ms = session.recent_fen / 600_000;
  const moves = session.end_ms === null && per_ms > 0;
  const share = best_fen ? session.gmv_fen / best_fen : 0;
  return {
    kind: "next",
    scope: next.scope,
    best_fen,
    short_fen,
    share,
    in_ms: moves ? short_fen / per_ms : null,
    beaten,
  };
}

function without(session) {
  const most = session.records.reduce((found, each) => (!found || each.history > found.history ? each : found), null);
  if (!most || most.history >= most.needed) return { kind: "none", beaten: [] };
  return { kind: "history", n: most.history, needed: most.needed, beaten: [] };
}
