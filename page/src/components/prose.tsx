// Plain text as people write it in statements: paragraphs, indented blocks as code, `names` between backticks.
// Whatever else is in it stays text.

type Block = { kind: "words" | "code"; text: string };

const INDENTED = /^( {4}|\t)/;

export function parseBlocks(text: string): Block[] {
  const blocks: Block[] = [];
  for (const line of text.replace(/\r\n?/g, "\n").split("\n")) {
    const latest = blocks.at(-1);
    const kind = INDENTED.test(line) || (latest?.kind === "code" && !line.trim()) ? "code" : "words";
    const content = kind === "code" ? line.replace(INDENTED, "") : line;
    if (kind === "words" && !line.trim()) blocks.push({ kind: "words", text: "" });
    else if (latest?.kind === kind) latest.text += `${latest.text && "\n"}${content}`;
    else blocks.push({ kind, text: content });
  }
  return blocks.map(({ kind, text: content }) => ({ kind, text: content.trimEnd() })).filter((block) => block.text);
}

export function Prose({ text }: { text: string }) {
  return (
    <div class="prose words">
      {parseBlocks(text).map((block, i) =>
        block.kind === "code"
          ? <pre key={i} tabIndex={0}>{block.text}</pre>
          : <p key={i}>{block.text.split(/`([^`\n]+)`/).map((part, j) => (j % 2 ? <code key={j}>{part}</code> : part))}</p>)}
    </div>
  );
}
