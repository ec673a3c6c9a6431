// 原因：接口和提醒给出的英文句子 → 中文。没有列出的保留原文。
// Sentences of answers and alerts in Chinese; what is not listed stays as it is.
const SENTENCES = [
  [/^(.+) beats it: (.+) against (.+)$/, "$1 更高：$2，对比 $3"],
  [/^(.+) ties it: (.+) against (.+)$/, "$1 与之持平：$2，对比 $3"],
  [/^its own value fell to (.+), not above the (.+) of (.+)$/, "自身数值降至 $1，不再高于 $3 的 $2"],
  [/^its own value fell to (.+)$/, "自身数值降至 $1"],
  [/^its own value rose to (.+)$/, "自身数值升至 $1"],
  [/^(.+) gave way: it has (.+) now$/, "$1 已让位：现为 $2"],
  [/^(.+) no longer belongs to this (.+)$/, "$1 不再属于该范围"],
  [/^too few earlier holders$/, "此前的历史不足"],
  [/^there are enough earlier holders now$/, "此前的历史现已足够"],
  [/^late: by orders paid after its end, or read after it had closed$/, "迟到：由结束后支付、或关闭后才读到的订单造成"],
  [/^its end is another now$/, "结束时间已变更"],
  [/^it was told before the store lost its last writes, and .+$/, "在存储丢失最近写入之前发出，重新计数后不成立"],
  [/^told otherwise before the store lost its last writes$/, "存储丢失最近写入之前的通知与此不同"],
  [/^older than what is kept$/, "已超出保留期"],
  [/^the window that it is compared with is older than what is kept$/, "对比的时段已超出保留期"],
  [/^nothing was sold in the window that it is compared with$/, "对比的时段没有成交"],
  [/^no distinct counts are kept by the minute$/, "分钟不保留去重数"],
  [/^distinct buyers of a session are kept for its whole life$/, "场次的买家数只按整场保留"],
  [/^no distinct .+ are kept of .+$/, "该范围不保留此去重数"],
  [
    /^no event of a session of this name was counted, or it is older than what is kept$/,
    "没有该场次的事件，或已超出保留期",
  ],
  [/^the store does not answer .*$/, "存储没有响应"],
];

/** The sentence in Chinese if there is one, and the language that it is in then. */
export function inChinese(sentence) {
  const found = SENTENCES.find(([pattern]) => pattern.test(sentence));
  return found ? [sentence.replace(...found), "zh-CN"] : [sentence, "en"];
}
