/** Relative days, as app/rules/query.py reads them: `this week`, `last 7 days`, or a date. A week begins on Monday. */
import { text } from "../../messages";
import { momentText } from "../values";

const COUNTED = /^(last|next) ([0-9]{1,4}) (days|weeks|months)$/;
const DATE = /^\d{4}-\d{2}-\d{2}$/;

export function today(): string {
  return momentText(new Date().toISOString()).slice(0, 10);
}

export function spanText(word: string): string {
  const counted = COUNTED.exec(word);
  if (counted) {
    const n = counted[2] ?? "";
    const keys: Record<string, string> = {
      "last days": text("the last {n} days", { n }), "last weeks": text("the last {n} weeks", { n }), "last months": text("the last {n} months", { n }),
      "next days": text("the next {n} days", { n }), "next weeks": text("the next {n} weeks", { n }), "next months": text("the next {n} months", { n }),
    };
    return keys[`${counted[1]} ${counted[3]}`] ?? word;
  }
  const words: Record<string, string> = {
    today: text("today"), yesterday: text("yesterday"), tomorrow: text("tomorrow"),
    "this week": text("this week"), "last week": text("last week"), "next week": text("next week"),
    "this month": text("this month"), "last month": text("last month"), "next month": text("next month"),
    "this quarter": text("this quarter"), "last quarter": text("last quarter"), "next quarter": text("next quarter"),
    "this year": text("this year"), "last year": text("last year"), "next year": text("next year"),
  };
  return words[word] ?? word;
}

function written(day: Date): string {
  return day.toISOString().slice(0, 10);
}

/** The first and last day a word means. */
export function spanOf(word: string): readonly [string, string] | undefined {
  const now = new Date(`${today()}T00:00:00Z`);
  const day = (by: number): string => written(new Date(now.getTime() + by * 86_400_000));
  if (DATE.test(word)) return [word, word];
  const near = ["yesterday", "today", "tomorrow"].indexOf(word);
  if (near >= 0) return [day(near - 1), day(near - 1)];
  const counted = COUNTED.exec(word);
  if (counted) {
    const [isLast, n, what] = [counted[1] === "last", Number(counted[2]), counted[3]];
    if (what === "months") return isLast ? [written(monthsOn(now, -n)), day(0)] : [day(0), written(monthsOn(now, n))];
    const days = n * (what === "weeks" ? 7 : 1);
    return isLast ? [day(1 - days), day(0)] : [day(0), day(days - 1)];
  }
  const [which, what] = word.split(" ");
  const by = ["last", "this", "next"].indexOf(which ?? "") - 1;
  if (by < -1) return undefined;
  if (what === "week") {
    const monday = -((now.getUTCDay() + 6) % 7) + by * 7;
    return [day(monday), day(monday + 6)];
  }
  const months = { month: 1, quarter: 3, year: 12 }[what ?? ""];
  if (months === undefined) return undefined;
  const first = new Date(Date.UTC(now.getUTCFullYear(), Math.floor(now.getUTCMonth() / months) * months + by * months, 1));
  return [written(first), written(new Date(Date.UTC(first.getUTCFullYear(), first.getUTCMonth() + months, 0)))];
}

/** The same day some months on, or the last of a shorter month. */
function monthsOn(day: Date, by: number): Date {
  const last = new Date(Date.UTC(day.getUTCFullYear(), day.getUTCMonth() + by + 1, 0));
  last.setUTCDate(Math.min(day.getUTCDate(), last.getUTCDate()));
  return last;
}
