// How the editor looks, in the page's own colours. Not here: the colours (`style/tokens.css`).
import { HighlightStyle, syntaxHighlighting } from "@codemirror/language";
import { EditorView } from "@codemirror/view";
import { tags } from "@lezer/highlight";

const theme = EditorView.theme({
  "&": { background: "var(--surface)", color: "var(--ink)", height: "100%" },
  "&.cm-focused": { outline: "none" }, // around the place it stands in instead: the gutters cover part of one here
  ".cm-scroller": { fontFamily: "var(--mono)", fontSize: "0.875rem", lineHeight: "1.55" },
  ".cm-content": { caretColor: "var(--ink)" },
  ".cm-cursor": { borderLeftColor: "var(--ink)", borderLeftWidth: "2px" },
  "@media (prefers-reduced-motion: reduce)": { ".cm-cursorLayer": { animation: "none !important" } }, // it blinks by an inline style
  ".cm-gutters": { background: "var(--surface)", border: "none", color: "var(--quiet)" },
  ".cm-activeLine, .cm-activeLineGutter": { background: "transparent" },
  ".cm-activeLineGutter": { color: "var(--ink)" },
  "&.cm-focused > .cm-scroller > .cm-selectionLayer .cm-selectionBackground, .cm-selectionBackground": { background: "var(--selection)" },
  ".cm-matchingBracket": { background: "var(--selection)" },
  ".cm-lineNumbers .cm-gutterElement": { paddingInlineStart: "0.6rem" },
  // Borders: they stay where a system has colours of its own, and tell the two apart without any.
  ".cm-gutterElement.cm-author-human": { borderInlineStart: "0.3rem solid var(--human-mark)", paddingInlineStart: "0.3rem" },
  ".cm-gutterElement.cm-author-assistant": { borderInlineStart: "0.3rem double var(--code-mark)", fontWeight: "700", paddingInlineStart: "0.3rem" },
  ".cm-fresh-line": { background: "var(--code-wash)" },
  ".cm-panels": { background: "var(--raised)", color: "var(--ink)" },
  ".cm-searchMatch": { background: "var(--caution-wash)" },
});

const highlighting = HighlightStyle.define([
  { tag: [tags.keyword, tags.controlKeyword, tags.operatorKeyword, tags.definitionKeyword], color: "var(--keyword)" },
  { tag: [tags.string, tags.special(tags.string)], color: "var(--string)" },
  { tag: [tags.number, tags.bool, tags.null], color: "var(--number)" },
  { tag: [tags.comment], color: "var(--comment)", fontStyle: "italic" },
  { tag: [tags.definition(tags.variableName), tags.function(tags.definition(tags.variableName)), tags.className], color: "var(--definition)" },
]);

export const editorTheme = [theme, syntaxHighlighting(highlighting)];
