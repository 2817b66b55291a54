// Numbers, times and sizes as people read them.

const DASH = "–";

export const percent = (share: number | null | undefined): string => (share == null ? DASH : `${Math.round(share * 100)} %`);

export const decimal = (value: number | null | undefined, digits = 2): string => (value == null ? DASH : value.toFixed(digits));

export const count = (value: number | null | undefined): string => (value == null ? DASH : value.toLocaleString());

/** milliseconds since 1970, or an ISO time. */
export function when(time: number | string | null | undefined): string {
  if (time == null) return DASH;
  const date = new Date(time);
  return Number.isNaN(date.getTime()) ? String(time) : date.toLocaleString([], { dateStyle: "medium", timeStyle: "short" });
}

/** As `when`, without the time, and without this year's number. */
export function day(time: number | string | null | undefined): string {
  if (time == null) return DASH;
  const date = new Date(time);
  if (Number.isNaN(date.getTime())) return String(time);
  const year = date.getFullYear() === new Date().getFullYear() ? {} : { year: "numeric" as const };
  return date.toLocaleDateString([], { day: "numeric", month: "short", ...year });
}

/** The first day of a week such as "2025-W24", by ISO 8601; what is no week stays. */
export function week(key: string): string {
  const [, year, number] = /^(\d{4})-W(\d{2})$/.exec(key) ?? [];
  if (year === undefined || number === undefined) return key;
  const first = new Date(Number(year), 0, 4); // is in the first week
  return day(new Date(Number(year), 0, 4 - ((first.getDay() + 6) % 7) + 7 * (Number(number) - 1)).getTime());
}

/** Words as a sentence begins. */
export const sentence = (words: string): string => words.replace(/^./u, (first) => first.toUpperCase());

/** How long something took, as exactly as a person may want it. */
export function duration(milliseconds: number | null | undefined): string {
  if (milliseconds == null || milliseconds < 0) return DASH;
  if (milliseconds < 1000) return `${milliseconds < 10 ? milliseconds.toFixed(1) : Math.floor(milliseconds)} ms`;
  if (milliseconds < 9950) return `${(milliseconds / 1000).toFixed(1)} s`;
  const seconds = Math.round(milliseconds / 1000);
  if (seconds < 60) return `${seconds} s`;
  const minutes = Math.floor(seconds / 60);
  return minutes < 60 ? `${minutes} min ${seconds % 60} s` : `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

/** "about 3 min left"; "": it is too early to say. */
export function timeLeft(seconds: number | null): string {
  if (seconds === null) return "";
  const minutes = Math.ceil(seconds / 60);
  if (minutes <= 1) return "about a minute left";
  return `about ${minutes < 60 ? `${minutes} min` : `${Math.floor(minutes / 60)} h ${minutes % 60} min`} left`;
}

/** With at most so many characters; what is left out is an ellipsis. */
export const shortened = (text: string, most = 80): string => (text.length > most ? `${text.slice(0, most - 1).trimEnd()}…` : text);

const UNITS = ["bytes", "KB", "MB", "GB", "TB"];

export function size(bytes: number): string {
  const power = Math.min(Math.floor(Math.log(Math.max(bytes, 1)) / Math.log(1000)), UNITS.length - 1);
  const value = bytes / 1000 ** power;
  return `${power && value < 10 ? value.toFixed(1) : Math.round(value)} ${UNITS[power]}`;
}
