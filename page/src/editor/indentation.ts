// What one level of a text's indentation is written with. Not here: which level a line has.
const DEFAULT_UNIT = "    ";
const USUAL_WIDTHS = [2, 4, 8];
const INDENTED = /^([\t ]+)\S/;

/** A tab where most indented lines begin with one, else the spaces by which most lines go deeper than the one above. */
export function indentUnitOf(lines: Iterable<string>): string {
  let tabs = 0;
  let spaces = 0;
  let above = 0;
  const steps = new Map(USUAL_WIDTHS.map((width) => [width, 0]));
  for (const line of lines) {
    if (!line.trim()) continue;
    const indent = INDENTED.exec(line)?.[1] ?? "";
    if (indent.startsWith("\t")) tabs += 1;
    else if (indent) spaces += 1;
    const count = indent.includes("\t") ? undefined : steps.get(indent.length - above);
    if (count !== undefined) steps.set(indent.length - above, count + 1);
    above = indent.length;
  }
  if (tabs > spaces) return "\t";
  const [width, count] = [...steps].reduce((best, step) => (step[1] > best[1] ? step : best));
  return count ? " ".repeat(width) : DEFAULT_UNIT;
}
