// Asks before what a person's file does not have yet is left. A problem's text is kept as a draft, a scratch text is none of a file.
import { confirmed } from "../../components/confirm";
import { workspace } from "../../workspace";
import { saverOf } from "./file-saver";

/** Whether the open document may be left: it is saved, or the person says so. */
export async function mayLeave(): Promise<boolean> {
  const open = workspace.document.value;
  if (open === null || !saverOf(open)?.isChanged.value) return true;
  return confirmed("Leave without saving?", `${open.title} on the disk is without your latest changes. They stay in the recorded session alone.`, "Leave without saving");
}
