"""The parts that one server offers, made at the start and closed at the end. Not here: what each does."""

from __future__ import annotations

from dataclasses import dataclass

from data_paths import DataPaths
from services.assistance import Assistance
from services.recording.recorder import Recorder


@dataclass
class Services:
    """What the addresses use. writer_name, writer_description: who writes, and what it is in a line of words."""

    paths: DataPaths
    recorder: Recorder
    assistance: Assistance
    writer_name: str
    writer_description: str
