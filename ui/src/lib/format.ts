/** Numbers and times as people read them. Nothing here knows where they come from. */

const MINUS = "−";

/** A number with about three significant digits: `0.04`, `3.12`, `48.1`, `812`, `12.4k`. */
export function compact(value: number): string {
  const size = Math.abs(value);
  if (size >= 1e6) return `${(value / 1e6).toFixed(1)}M`;
  if (size >= 1e4) return `${(value / 1e3).toFixed(1)}k`;
  if (size >= 100) return value.toFixed(0);
  if (size >= 10) return value.toFixed(1);
  return value.toFixed(2);
}

/** With a sign: `+3.10`, `−0.20`, `±0` when it rounds to nothing. */
export function signed(value: number): string {
  const text = compact(Math.abs(value));
  if (Number(text) === 0) return "±0";
  return (value < 0 ? MINUS : "+") + text;
}

/** Milliseconds with their unit: `0.42 ms`, `84 ms`, `1.2 s`. */
export function milliseconds(value: number): string {
  return value >= 1_000 ? `${compact(value / 1_000)} s` : `${compact(value)} ms`;
}

/** A ratio as a factor: `×6.2`. */
export function factor(ratio: number): string {
  return `×${ratio >= 10 ? ratio.toFixed(0) : ratio.toFixed(1)}`;
}

/** A share of 1 as a percentage; never a misleading 0 % or 100 %. */
export function percent(share: number): string {
  const value = share * 100;
  if (value > 0 && value < 1) return "<1 %";
  if (value < 100 && value > 99) return ">99 %";
  return `${value.toFixed(0)} %`;
}

/** A length of time: `12 s`, `3 min 20 s`, `2 h 5 min`, `3 d`. */
export function duration(seconds: number): string {
  const s = Math.max(0, Math.round(seconds));
  if (s < 60) return `${s} s`;
  if (s < 3_600)
    return s % 60 === 0 || s >= 600 ? `${Math.floor(s / 60)} min` : `${Math.floor(s / 60)} min ${s % 60} s`;
  if (s < 86_400) return `${Math.floor(s / 3_600)} h ${Math.floor((s % 3_600) / 60)} min`;
  return `${Math.floor(s / 86_400)} d`;
}

const TIME = new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit", second: "2-digit" });
const DAY_AND_TIME = new Intl.DateTimeFormat("en-GB", {
  day: "numeric",
  month: "short",
  hour: "2-digit",
  minute: "2-digit",
});

/** The reader's wall clock: `14:02:07`. */
export function clock(unixSeconds: number): string {
  return TIME.format(new Date(unixSeconds * 1_000));
}

/** Day and time: `3 Nov, 14:02`. */
export function dayAndTime(unixSeconds: number): string {
  return DAY_AND_TIME.format(new Date(unixSeconds * 1_000));
}

/** Time alone within the last half day, else with the day. */
export function when(unixSeconds: number, now: number): string {
  return Math.abs(now - unixSeconds) < 43_200 ? clock(unixSeconds) : dayAndTime(unixSeconds);
}

/** `query_regression` as words: `query regression`. */
export function words(name: string): string {
  return name.replaceAll("_", " ");
}

/** How much of a statement is looked at for its gist, characters. */
const GIST_FROM_CHARS = 2_000;

/** What a statement does, in a few words: its verb and the first table it names, `select order_item`. */
export function gist(sql: string): string {
  const text = sql.slice(0, GIST_FROM_CHARS);
  const verb = /^\s*([a-z]+)\b/i.exec(text)?.[1];
  const table = /\b(?:from|into|update|join)\s+(?:only\s+)?([\w."$]+)/i.exec(text)?.[1];
  return oneLine(verb && table ? `${verb.toLowerCase()} ${table.replaceAll('"', "")}` : text, 60);
}

/** Text from outside on one line: no line breaks, no control or direction-changing characters, at most `max` long. */
export function oneLine(text: string, max = 400): string {
  const clean = text
    .slice(0, max * 2)
    .replace(/[\p{Cc}\p{Zl}\p{Zp}\u200e\u200f\u202a-\u202e\u2066-\u2069\s]+/gu, " ");
  const trimmed = clean.trim();
  return trimmed.length > max ? `${trimmed.slice(0, max - 1)}…` : trimmed;
}

/** Text from outside as a sentence: on one line, and beginning with a capital where it begins with a plain word. */
export function sentence(text: string, max = 600): string {
  const line = oneLine(text, max);
  return /^[a-z]+(?=[\s,]|$)/.test(line) ? line.charAt(0).toUpperCase() + line.slice(1) : line;
}

/** Text from outside with its lines kept: no other control or direction-changing characters, at most `max` long. */
export function lines(text: string, max = 4_000): string {
  const clean = text
    .slice(0, max * 2)
    .replace(/\r\n?|[\p{Zl}\p{Zp}]/gu, "\n")
    .replace(/[^\P{Cc}\n\t]|[\u200e\u200f\u202a-\u202e\u2066-\u2069]/gu, " ")
    .trimEnd();
  return clean.length > max ? `${clean.slice(0, max - 1)}…` : clean;
}
