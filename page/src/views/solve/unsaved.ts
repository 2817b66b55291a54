// Asks before what a person's file does not have yet is left. A problem's text is kept as a draft, a scratch text is none of a file.
import { confirmed } from "../../components/confirm";
import { type OpenDocument, workspace } from "../../workspace";
import { saverOf } from "./file-saver";

/** Whether the open document may be left: it is saved, or the person says so. */
export async function mayLeave(): Promise<boolean> {
  const open = workspace.document.value;
  if (open === null || !isUnsaved(open)) return true;
  return confirmed("Leave without saving?", `${open.title} on the disk is without your latest changes. They stay in the recorded session alone.`, "Leave without saving");
}

/** Where the file could not be read since a reload, what the journal knows of it counts. */
function isUnsaved(open: OpenDocument): boolean {
  return saverOf(open)?.isChanged.value ?? (open.filePath !== null && !open.session.isSaved);
}
