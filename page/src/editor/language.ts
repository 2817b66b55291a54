// The language of a file by its name. Not here: how it is coloured (`theme`).
import { python } from "@codemirror/lang-python";
import type { Extension } from "@codemirror/state";

export function languageOf(fileName: string): Extension {
  return fileName.endsWith(".py") ? python() : [];
}
