"""The parts that one server offers, made at the start and closed at the end. Not here: what each does."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import InitVar, dataclass, field

from config import RewardWeights
from data_paths import DataPaths
from delegates.selection import SelectedWriter
from judge import Problem
from judge.case_runner import CaseRunner
from services.assistance.assistance import Assistance
from services.failure_log import FailureLog
from services.learning.training_process import TrainingProcess
from services.person.person_folder import PersonFolder
from services.person.person_settings import PersonSettings
from services.recording.recorder import Recorder
from services.solving.code_runs import CodeRuns
from services.solving.solved_problems import SolvedProblems
from services.writers.writer_switch import WriterSwitch
from training.evaluation.help_reader import HelpReader


@dataclass
class Services:
    """What the addresses use.

    selected_writer: who writes at first. tester: runs a person's code. runs: those under way. problems: those to choose
    from, by id. problems_failure: why the person's own are not among them; None: they are. solved: which of them are.
    folder: of the person's own files. rewards: weights of what decisions were worth. training: learns from sessions in
    a process of its own; None: this server does not. settings: the person's. writers: changes who writes. report: takes
    a line of words for the person.
    """

    paths: DataPaths
    recorder: Recorder
    assistance: Assistance
    selected_writer: InitVar[SelectedWriter]
    tester: CaseRunner = field(default_factory=CaseRunner)
    problems: Mapping[str, Problem] = field(default_factory=dict)
    problems_failure: str | None = None
    rewards: RewardWeights = field(default_factory=RewardWeights)
    failures: FailureLog = field(default_factory=FailureLog)
    training: TrainingProcess | None = None
    runs: CodeRuns = field(default_factory=CodeRuns)
    folder: PersonFolder = field(kw_only=True)
    settings: PersonSettings = field(default_factory=PersonSettings)
    writers: WriterSwitch = field(init=False)
    report: InitVar[Callable[[str], None]] = lambda line: None

    def __post_init__(self, selected_writer: SelectedWriter, report: Callable[[str], None]) -> None:
        self.solved = SolvedProblems(self.paths.solved, report)
        self.help_reader = HelpReader(self.paths.episodes, self.paths.session_help)
        self.writers = WriterSwitch(
            self.assistance, selected_writer, self.settings, self.paths.writers, lambda: self.count_solutions() > 0
        )

    @property
    def writer(self) -> SelectedWriter:
        """Who writes; its name is empty if nobody does."""
        return self.writers.selected

    def count_solutions(self) -> int:
        """Problems that come with a solution."""
        return sum(bool(problem.solution) for problem in self.problems.values())
