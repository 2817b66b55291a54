// Messages about the person's own files (`services/messages/file_messages.py`).

export interface FileEntry { path: string; bytes: number; modified: number }

export interface FilesMessage {
  /** null: none is open. */
  folder: string | null;
  files: FileEntry[];
  truncated: boolean;
  /** What to do where no file can be opened. */
  hint: string | null;
  /** Why the one that the person chose is not open; null: it is, or they chose none. */
  failure: string | null;
}

export interface FileContent {
  path: string;
  text: string;
  revision: string;
  /** In which it lies. */
  folder: string;
}

export interface SaveAnswer { revision: string }
