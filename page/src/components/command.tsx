// A command for a terminal, with a button that copies it; where the browser does not let it, it selects the command.
import { useEffect, useRef, useState } from "preact/hooks";
import { COPY_KEY } from "../keyboard";
import "./command.css";

const TOLD_MS = 6000;

/** name: what it is for, to tell its button from others. */
export function Command({ text, name }: { text: string; name: string }) {
  const place = useRef<HTMLElement>(null);
  const [told, setTold] = useState("");
  useEffect(() => {
    const timer = setTimeout(() => setTold(""), TOLD_MS);
    return () => clearTimeout(timer);
  }, [told]);
  const copy = async () => setTold((await isCopied(text)) ? "Copied." : selected(place.current));
  return (
    <div class="command">
      <pre tabIndex={0}><code ref={place}>{text}</code></pre>
      <button class="small" aria-label={`Copy the command for ${name}`} onClick={() => void copy()}>Copy</button>
      <span class="told small" role="status">{told}</span>
    </div>
  );
}

async function isCopied(text: string): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(text); // there is no clipboard where the page is not trusted
    return true;
  } catch {
    return false;
  }
}

/** Selects what a place holds; says what to do then. */
function selected(place: Node | null): string {
  if (place !== null) getSelection()?.selectAllChildren(place);
  return `It is selected: press ${COPY_KEY}.`;
}
