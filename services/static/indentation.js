// Keys that indent Python as it is typed. What they do is an ordinary edit: recorded, and undone by Ctrl+Z.
const STEP = 4;

// What a key does to the line left of the caret: { remove, insert } in characters; null: what it does anyway.
export function indentingEdit(key, line) {
  if (key === "Tab") return { remove: 0, insert: " ".repeat(STEP - (line.length % STEP)) };
  if (key === "Enter") {
    const opensBlock = /^[^#]*:\s*$/.test(line);
    return { remove: 0, insert: `\n${/^[ \t]*/.exec(line)[0]}${opensBlock ? " ".repeat(STEP) : ""}` };
  }
  if (key === "Backspace" && /^ {2,}$/.test(line)) return { remove: ((line.length - 1) % STEP) + 1, insert: "" };
  return null;
}

// Escape lets the next Tab leave the editor; Shift+Tab always does.
export function indentAsTyped(editor) {
  let leaving = false;
  editor.addEventListener("blur", () => { leaving = false; });
  editor.addEventListener("keydown", (event) => {
    if (event.isComposing || event.ctrlKey || event.altKey || event.metaKey || event.shiftKey) return;
    const leaves = leaving && event.key === "Tab";
    leaving = event.key === "Escape";
    const { selectionStart: start, selectionEnd: end } = editor;
    if (leaves || (event.key === "Backspace" && start !== end)) return;
    const edit = indentingEdit(event.key, editor.value.slice(0, start).split("\n").at(-1));
    if (!edit) return;
    if (edit.remove) editor.setSelectionRange(start - edit.remove, end);
    if (document.execCommand(edit.insert ? "insertText" : "delete", false, edit.insert)) event.preventDefault();
  });
}
