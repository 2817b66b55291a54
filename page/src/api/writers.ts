// Messages about who writes (`services/messages/writer_messages.py`).

export interface WriterChoice {
  kind: "automatic" | "server" | "file" | "tutor" | "embedded";
  address?: string;
  model?: string;
  file?: string;
}

export interface WriterOption {
  kind: "server" | "file" | "tutor" | "embedded";
  name: string;
  available: boolean;
  current: boolean;
  good_for: string;
  costs: string;
  how: string;
  command: string;
  choice: WriterChoice | null;
  size: number | null;
}

export interface WritersMessage {
  options: WriterOption[];
  name: string;
  description: string;
  hint: string;
  failure: string | null;
  automatic: boolean;
  named_at_start: string | null;
}
