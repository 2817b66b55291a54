"""The parts that one server offers, made at the start and closed at the end. Not here: what each does."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from config import RewardWeights
from data_paths import DataPaths
from judge import Problem
from judge.case_runner import CaseRunner
from services.assistance import Assistance
from services.failure_log import FailureLog
from services.recording.recorder import Recorder
from services.training_process import TrainingProcess


@dataclass
class Services:
    """What the addresses use.

    writer_name, writer_description, writer_hint: who writes ("": nobody), what it is in a line of words, and how to get
    a better one. tester: runs a person's code. problems: those to choose from, by id. rewards: weights of what
    decisions were worth. training: learns from sessions in a process of its own; None: this server does not.
    """

    paths: DataPaths
    recorder: Recorder
    assistance: Assistance
    writer_name: str
    writer_description: str
    writer_hint: str = ""
    tester: CaseRunner = field(default_factory=CaseRunner)
    problems: Mapping[str, Problem] = field(default_factory=dict)
    rewards: RewardWeights = field(default_factory=RewardWeights)
    failures: FailureLog = field(default_factory=FailureLog)
    training: TrainingProcess | None = None
