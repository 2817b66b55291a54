// Where two texts differ: one stretch, as small as can be, that never begins or ends inside of a character.

export interface Difference {
  from: number;
  removed: string;
  inserted: string;
}

export function difference(before: string, after: string): Difference {
  const shorter = Math.min(before.length, after.length);
  let start = 0;
  while (start < shorter && before[start] === after[start]) start += 1;
  if (start && /[\ud800-\udbff]/.test(before[start - 1] ?? "")) start -= 1;
  let end = 0;
  while (end < shorter - start && before.at(-1 - end) === after.at(-1 - end)) end += 1;
  if (end && /[\udc00-\udfff]/.test(before.at(-end) ?? "")) end -= 1;
  return { from: start, removed: before.slice(start, before.length - end), inserted: after.slice(start, after.length - end) };
}
