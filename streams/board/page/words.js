// What the page says, in English and Chinese. A missing word would show as its key.

const WORDS = {
  en: {
    title: "Hightide: the running hour", hourTitle: "GMV of the hour", platform: "platform", waiting: "Waiting for the first event",
    best: "best hour on record", noBest: "no closed hour yet: nothing to beat", toGo: "to go", above: "above the best hour",
    orders: "paid orders", buyers: "buyers", net: "net of refunds", minutes: "GMV by minute, the last 60",
    alerts: "Peaks and records", noAlerts: "None yet. A scope needs {needed} earlier hours or sessions with sales.",
    sessions: "Open sessions", noSessions: "No session is open.", clusters: "Clusters of the hour", anchors: "Anchors of the hour",
    reading: "being read", noSales: "No sales yet.", record: "record of {scope}", beaten: "above the record of {scope} by {money}",
    toRecord: "{money} to the record of {scope}", atPace: "about {minutes} min at this pace", noRecord: "no record to beat yet",
    asOf: "as of {time}", late: "Data is late: as of {time}, {ago} behind. Records wait unread.",
    quiet: "No new events since {time} ({ago}).", store: "The store does not answer. This is what was last read, as of {time}.",
    cut: "Connection lost. This is what was last heard, as of {time}.", dark: "Dark", light: "Light", language: "中文",
    history: "History: {hours} hours and {sessions} sessions of the platform", unknown: "unknown", more: "{count} open",
    live: "live", shelf: "shelf", short_video: "short video", minutesAgo: "{n} min", hoursAgo: "{n} h", daysAgo: "{n} days", s: "{n} s",
    "peak.hour": "Peak hour", "peak.rolling": "Best 60 minutes", "record.session": "Record session", milestone: "Milestone",
    provisional: "provisional", confirmed: "confirmed", retracted: "retracted", reinstated: "reinstated", superseded: "superseded",
    cluster: "cluster", category: "category", anchor: "anchor", merchant: "merchant", session: "session", province: "province", city: "city",
    over: "above {money}", gross: "gross", netMetric: "net", hours: "Hours of the day", back: "Back to the board",
    total: "Total", ended: "ended", open: "on air", closed: "closed", notFinal: "not final", hour: "hour", problem: "The board could not say: {why}",
  },
  zh: {
    title: "Hightide：当前小时", hourTitle: "本小时 GMV", platform: "全平台", waiting: "等待第一条事件",
    best: "历史最高小时", noBest: "尚无已结束的小时可比", toGo: "距最高", above: "已超历史最高",
    orders: "支付订单", buyers: "买家", net: "扣除退款", minutes: "最近 60 分钟每分钟 GMV",
    alerts: "峰值与纪录", noAlerts: "暂无。每个范围需先有 {needed} 个有成交的小时或场次。",
    sessions: "正在直播的场次", noSessions: "没有正在直播的场次。", clusters: "本小时产业带排名", anchors: "本小时主播排名",
    reading: "读取中", noSales: "尚无成交。", record: "{scope}纪录", beaten: "已超{scope}纪录 {money}",
    toRecord: "距{scope}纪录 {money}", atPace: "按当前速度约 {minutes} 分钟", noRecord: "尚无纪录可破",
    asOf: "数据截至 {time}", late: "数据延迟：截至 {time}，落后 {ago}，仍有未读记录。",
    quiet: "自 {time} 起没有新事件（{ago}）。", store: "存储无应答，以下为最后读到的数据，截至 {time}。",
    cut: "连接中断，以下为最后收到的数据，截至 {time}。", dark: "深色", light: "浅色", language: "English",
    history: "历史：全平台 {hours} 个小时、{sessions} 个场次", unknown: "未知", more: "共 {count} 场",
    live: "直播", shelf: "货架", short_video: "短视频", minutesAgo: "{n} 分钟", hoursAgo: "{n} 小时", daysAgo: "{n} 天", s: "{n} 秒",
    "peak.hour": "小时峰值", "peak.rolling": "最佳 60 分钟", "record.session": "场次纪录", milestone: "里程碑",
    provisional: "暂定", confirmed: "已确认", retracted: "已撤回", reinstated: "已恢复", superseded: "被超越",
    cluster: "产业带", category: "类目", anchor: "主播", merchant: "商家", session: "场次", province: "省份", city: "城市",
    over: "超过 {money}", gross: "毛额", netMetric: "净额", hours: "当日各小时", back: "返回看板",
    total: "合计", ended: "已下播", open: "直播中", closed: "已结束", notFinal: "未定", hour: "小时", problem: "看板无法回答：{why}",
  },
};

const KEY = "hightide-language";

/** The reader's language: asked for in the address, chosen before, or the browser's. */
export function chosenLanguage() {
  const asked = new URLSearchParams(location.search).get("lang") ?? localStorage.getItem(KEY) ?? navigator.language;
  return asked.startsWith("zh") ? "zh" : "en";
}

export function keepLanguage(language) {
  localStorage.setItem(KEY, language);
}

/** A word or sentence of a language, with `{name}` replaced by `values.name`. */
export function say(language, key, values = {}) {
  const text = WORDS[language][key] ?? key;
  return text.replace(/\{(\w+)\}/g, (_, name) => values[name] ?? "");
}

/** How long ago, in the largest unit that fits. */
export function ago(language, ms) {
  const s = Math.floor(ms / 1000);
  if (s < 120) return say(language, "s", { n: s });
  if (s < 7200) return say(language, "minutesAgo", { n: Math.floor(s / 60) });
  if (s < 172_800) return say(language, "hoursAgo", { n: Math.floor(s / 3600) });
  return say(language, "daysAgo", { n: Math.floor(s / 86_400) });
}
