"""Makes the parts that one server offers from a person's settings, and ends them. Not here: what they do."""

from __future__ import annotations

import secrets
import socket
import threading
import time
import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import files
from app.startup import STARTED
from config import LoopConfig
from data_paths import DataPaths
from delegates.cleaning import clean
from delegates.embedded import EmbeddedWriter
from delegates.gguf import GgufWriter
from delegates.selection import (
    LOADING_SECONDS,
    AnyWriter,
    ReliableWriter,
    WriterSettings,
    describe,
    named_writer,
)
from errors import ConflictError, InputError
from files import atomic_write
from judge import Judge
from judge.case_runner import CaseRunner
from rewards import review_threshold
from services.assistance.assistance import Assistance
from services.failure_log import FailureLog
from services.http import health
from services.http.app import COMPATIBLE_PORTS, create_app, create_compat_apps, service_endpoints
from services.http.middleware import AccessRules
from services.http.page import Page
from services.http.server import HOST, Listener, Server, listen, listen_where_named
from services.learning.current_models import CurrentModels
from services.learning.current_reviewer import CurrentReviewer
from services.learning.training_process import TrainingProcess
from services.messages.settings_messages import Settings, SettingsChange
from services.person.person_files import PersonFiles
from services.person.person_folder import PersonFolder
from services.person.person_settings import PersonSettings
from services.recording.recorder import Recorder
from services.recording.snapshot_queue import SnapshotQueue
from services.services import Services
from services.writers.own_texts import EditedFile, edited_file, last_text, relearn_texts
from sessions.ignored_sessions import IgnoredSessions
from sessions.removal import remove_leftovers
from simulation.problem_loader import load_readable_problems
from state_adapter import exclusion_mark

DEFAULT_PORT = 3000
TRIED_PORTS = 20
"""Ports that are tried from the default one on."""

TESTER_WORKERS = 4
"""Processes that run a person's code at the same time; each starts when the others are busy."""
NAMED_SECONDS = 10.0
"""That a model file which the person named may take to load before the page is there; then it goes on beside."""

LEAST_SECONDS = 0.5
"""That a thread gets to end, however late it is."""

Report = Callable[[str], None]
"""Takes a line of words for the person."""


@dataclass(frozen=True)
class StartOptions:
    """Where and for whom to serve.

    port: None: the default one or the next that is free; 0: any that is free. models: the folder of those that serve,
    by default the person's. writer: what the person says of it; None: the embedded one writes. settings_file: named
    where a setting is wrong. unprotected_tester: run a person's code also where this system grants no protection.
    compat_ports: serve clients of the existing system on their ports as well. allowed_origins: pages elsewhere that may
    ask. trains: training follows when the page asks to end. training_flags: of `run.py`, for a training that the page
    asks for; None: it cannot. folder: of the person's own files for this run, whatever they chose on the page; None:
    what they chose.
    """

    port: int | None = None
    allowed_origins: frozenset[str] = frozenset()
    models: Path | None = None
    writer: WriterSettings | None = None
    settings_file: str = "the settings"
    unprotected_tester: bool = False
    compat_ports: bool = False
    trains: bool = True
    training_flags: tuple[str, ...] | None = None
    folder: Path | None = None


class RunningServices:
    """Services that are served on a port of this machine until they are stopped.

    failure: what is wrong with the settings, if that was found while the parts got ready.
    """

    def __init__(self, services: Services, server: Server, port: int, resources: ExitStack) -> None:
        self.services, self.server, self.port = services, server, port
        self.failure: InputError | None = None
        self._resources = resources
        self._preparing: list[threading.Thread] = []

    @property
    def address(self) -> str:
        """The page's."""
        return f"http://{HOST}:{self.port}/"

    def prepare(self, prepare: Callable[[], None], on_failure: Callable[[], None]) -> None:
        """Gets a part ready in a thread of its own. on_failure: called if the person's settings do not allow it.

        Of what else goes wrong the log and health tell; the other parts go on.
        """

        def run() -> None:
            try:
                prepare()
            except InputError as error:
                self.failure = error
                on_failure()
            except Exception as error:
                traceback.print_exc()
                self.services.failures.add(error, "start", "getting a part ready")

        thread = threading.Thread(target=run, name="startup", daemon=True)
        self._preparing.append(thread)
        thread.start()

    def wait_until_ready(self) -> None:
        """Waits until every part is ready or has failed."""
        for thread in self._preparing:
            thread.join()

    def stop(self, timeout: float, *, is_hurried: Callable[[], bool] = lambda: False) -> bool:
        """Ends open sessions, then waits for their tests; returns whether all was done within `timeout` seconds.

        is_hurried: asked while tests run whether to leave them to the next start.
        """
        deadline = time.monotonic() + timeout
        if self.services.training is not None:
            self.services.training.stop()
        ended = self.server.stop(timeout)
        snapshots, are_written = self.services.recorder.snapshots, False
        while not are_written and time.monotonic() < deadline and not is_hurried():
            are_written = snapshots.wait(0.1)
        closing = threading.Thread(target=self._resources.close, name="closing", daemon=True)
        closing.start()
        for thread in (*self._preparing, closing):
            thread.join(max(deadline - time.monotonic(), LEAST_SECONDS))
        return ended and are_written


def start_services(
    config: LoopConfig,
    paths: DataPaths,
    options: StartOptions | None = None,
    *,
    finish: Callable[[], None],
    report: Report,
) -> RunningServices:
    """Begins to serve the page and recording at once; what takes longer gets ready meanwhile, each with its line.

    finish: called when the page asks to end, or when a part finds that the settings are wrong (`failure` of what is
    returned). Raises InputError, ConflictError (the port is taken, another process records into this data root).
    """
    options = options or StartOptions()
    with ExitStack() as stack:
        sockets = _listen_on_all(options, stack, report)
        page_port = next(iter(sockets))
        named = _named_writer(options.writer, stack)
        stack.enter_context(_recording_alone(paths, f"http://{HOST}:{page_port}/"))
        remove_leftovers(paths)
        services = _make_services(config, paths, options, stack, report)
        services.writers.own_ports = {page_port, *COMPATIBLE_PORTS}
        for line in services.recorder.recover():
            report(line)
        server = Server(_listeners(services, sockets, options, finish), services.recorder.close, finish)
        running = RunningServices(services, server, page_port, stack.pop_all())
    services.failures.take_over("uvicorn")
    services.settings.set_damaged_aside(report)
    server.start()
    timed = _timed(report)
    _report_recording(running, tuple(sockets)[1:], options.models is not None, timed)
    running.prepare(lambda: timed("tester", health.words(health.tester(services))), finish)
    running.prepare(lambda: _load_policy(config, services, options.settings_file, timed), finish)
    running.prepare(lambda: relearn_texts(services.assistance.writer, paths.episodes), finish)
    if options.writer is not None:
        running.prepare(lambda: _begin_to_write(named, services, timed), finish)
    return running


def _named_writer(settings: WriterSettings | None, stack: ExitStack) -> AnyWriter | None:
    """The writer that the person named for this start, if any; a large model may go on loading. Raises InputError."""
    writer = None if settings is None else named_writer(settings)
    if isinstance(writer, GgufWriter):
        stack.callback(writer.close)
        writer.wait_until_loaded(NAMED_SECONDS)
    return writer


def _listen_on_all(options: StartOptions, stack: ExitStack, report: Report) -> dict[int, socket.socket]:
    """The sockets by their ports, the page's first. Raises ConflictError."""
    page = stack.enter_context(_listen(options.port, report))
    other_ports = COMPATIBLE_PORTS if options.compat_ports else ()
    return {page.getsockname()[1]: page} | {port: stack.enter_context(listen(port)) for port in other_ports}


def _listeners(
    services: Services, sockets: Mapping[int, socket.socket], options: StartOptions, finish: Callable[[], None]
) -> list[Listener]:
    """What is served where: on the first port everything, on others a service each."""
    token = secrets.token_urlsafe(24)
    rules = AccessRules(frozenset(sockets), token, options.allowed_origins)
    groups = service_endpoints(services)
    page, *other_sockets = sockets.items()
    listeners = [Listener(create_app(services, groups, rules, Page(services, token, finish, options.trains)), page[1])]
    if other_sockets:
        apps = create_compat_apps(services, groups, rules)
        listeners += [Listener(apps[port], listening) for port, listening in other_sockets]
    return listeners


def _report_recording(
    running: RunningServices, other_ports: Sequence[int], is_simulation: bool, timed: Callable[[str, str], None]
) -> None:
    """Says what is there as soon as requests are answered."""
    timed("page", running.address)
    if other_ports:
        timed("", f"for other clients also on ports {', '.join(map(str, other_ports))}")
    simulated = f"records into {running.services.paths.simulated_episodes}"
    timed("recorder", simulated if is_simulation else health.words(health.recorder(running.services)))
    folder = running.services.folder
    if folder.files is not None:
        timed("files", f"opens and saves those in {folder.files.folder}")
    elif folder.failure:
        timed("files", f"{folder.failure}; choose another folder on the page")
    if not health.has_room(running.services):
        timed("disk", health.words(health.disk(running.services)))


def _make_services(
    config: LoopConfig, paths: DataPaths, options: StartOptions, stack: ExitStack, report: Report
) -> Services:
    """The parts; what must be ended goes on the stack."""
    serve = config.serve
    unreadable: list[str] = []
    problems = load_readable_problems(unreadable.append, paths.problems)
    for line in unreadable:
        report(line)
    embedded = EmbeddedWriter(paths.writers)
    tester = stack.enter_context(CaseRunner(unprotected=options.unprotected_tester, workers=TESTER_WORKERS))
    judge = stack.enter_context(Judge(protections=lambda: tester.sandbox.protections))
    is_simulation = options.models is not None
    folder = PersonFolder(paths.root, None if options.folder is None else PersonFiles(options.folder, paths.root))
    snapshots = SnapshotQueue(
        judge,
        lambda problem_id: services.problems.get(problem_id),  # noqa: PLW0108 (others once all is erased)
        report,
        on_written=lambda stream: _learn_text(embedded, folder, stream),
        may_run=lambda: is_simulation or tester.refusal is None,
    )
    stack.callback(snapshots.close)
    writer = describe(ReliableWriter(None, embedded, report))
    settings = _person_settings(config, folder, None if is_simulation else paths.settings)
    services = Services(
        paths,
        Recorder(paths, snapshots, idle_seconds=60 * serve.idle_minutes),
        _make_assistance(config, paths, options, writer.writer, settings.current().explore),
        writer,
        tester=tester,
        problems=problems,
        problems_failure=next(iter(unreadable), None),
        rewards=config.rewards,
        failures=stack.enter_context(closing(FailureLog(paths.logs))),
        folder=folder,
        report=report,
        settings=settings,
    )
    stack.callback(services.writers.close)
    if folder.files is None:
        folder.open_remembered(settings.current().folder)
    services.writers.note, services.writers.named = report, options.writer or WriterSettings()
    services.writers.apply_tutor(services.settings.current())
    if options.training_flags is not None:
        services.training = _make_training(services, options.training_flags)
        stack.callback(services.training.close)
    return services


def _make_training(services: Services, flags: Sequence[str]) -> TrainingProcess:
    """What trains when the page asks: on sessions whose tests have run; new models serve when it has ended."""
    wait, reload = services.recorder.snapshots.wait, services.assistance.models.load
    return TrainingProcess(services.paths, flags, wait_for_sessions=wait, on_end=reload)


def _make_assistance(
    config: LoopConfig, paths: DataPaths, options: StartOptions, writer: ReliableWriter, explore: bool
) -> Assistance:
    """The policy, the reviewer and the writer, with the models of the person or of simulated people.

    What is drawn for simulated people follows the seed, as far as the order of their requests does.
    """
    serve = config.serve
    folder, for_person = options.models or paths.models, options.models is None
    seed = None if for_person else config.seed
    models = CurrentModels(folder, epsilon=serve.epsilon, explore=explore, seed=seed, for_person=for_person)
    threshold = review_threshold(serve, config.rewards)
    reviewer = CurrentReviewer(folder, threshold=threshold, exploration=serve.review_exploration)
    return Assistance(models, writer, reviewer, clean, seed=seed)


def _person_settings(config: LoopConfig, folder: PersonFolder, path: Path | None) -> PersonSettings:
    """What the person said on the page, before what the configuration says; exploration only where both allow it.

    folder: what a flag has opened comes before both.
    """
    serve = config.serve
    this_run = SettingsChange() if serve.explore else SettingsChange(explore=False)
    if folder.files is not None:
        this_run.folder = str(folder.files.folder)
    usual_folder = None if serve.folder is None else str(Path(serve.folder).absolute())
    defaults = Settings(explore=serve.explore, tutor=serve.tutor, learn_pastes=config.learn_pastes, folder=usual_folder)
    return PersonSettings(path, defaults, this_run)


def _learn_text(embedded: EmbeddedWriter, folder: PersonFolder, stream: Path) -> None:
    """Lets the embedded writer know what a session came to; nothing learns from a file that is ignored meanwhile."""
    if _is_ignored(edited_file(stream), folder):
        atomic_write(exclusion_mark(stream), b"")
    if (text := last_text(stream)) is not None:
        embedded.add_text(text)


def _is_ignored(file: EditedFile, folder: PersonFolder) -> bool:
    """By the rules of its own folder; a session that names none is asked of the open one."""
    if file.folder is not None:
        return IgnoredSessions().ignores(file.path, file.folder)
    files = folder.files
    return file.path is not None and files is not None and files.is_ignored(PurePosixPath(file.path))


def _load_policy(config: LoopConfig, services: Services, settings_file: str, timed: Callable[[str, str], None]) -> None:
    """Loads PyTorch and the current models, so that the first decision need not wait. Raises InputError."""
    from training.runs.config_file import require_registered

    require_registered(config, settings_file)
    models = services.assistance.models
    models.load()
    timed("policy", f"keeps quiet: {models.failure}" if models.failure is not None else models.description())


def _begin_to_write(named: AnyWriter | None, services: Services, timed: Callable[[str, str], None]) -> None:
    """Takes a better writer than the embedded one, which writes until then. Raises InputError."""
    if isinstance(named, GgufWriter):
        named.wait_until_loaded(LOADING_SECONDS)
    selected = services.writers.begin(named)
    timed("writer", selected.description)
    if selected.hint:
        timed("", selected.hint)


def _timed(report: Report) -> Callable[[str, str], None]:
    """Reports a part with the seconds since the process began."""
    return lambda part, text: report(f"{time.monotonic() - STARTED:5.1f} s  {part:9} {text}")


@contextmanager
def _recording_alone(paths: DataPaths, address: str) -> Iterator[None]:
    """Holds the lock of whoever records into this data root. Raises ConflictError: another process does."""
    folder = paths.episodes.parent
    lock, holder = folder / ".recording.lock", folder / ".recording.address"
    with ExitStack() as stack:
        try:
            stack.enter_context(files.lock(lock))
        except ConflictError:
            where = holder.read_text(encoding="utf-8", errors="replace").strip() if holder.is_file() else "elsewhere"
            raise ConflictError(str(paths.root), f"another run.py records into it: {where}") from None
        except InputError as error:
            if not isinstance(error.__cause__, OSError):
                raise
            raise type(error)(error.where, f"{error.reason}; {health.OTHER_FOLDER}") from error.__cause__
        atomic_write(holder, address)
        yield


def _listen(port: int | None, report: Report) -> socket.socket:
    """A socket on the port; on the next free one, in a line of words, if the person named none."""
    if port is not None:
        return listen_where_named(port)
    first_refusal: ConflictError | None = None
    for candidate in range(DEFAULT_PORT, DEFAULT_PORT + TRIED_PORTS):
        try:
            listening = listen(candidate)
        except ConflictError as error:
            first_refusal = first_refusal or error
            continue
        if first_refusal is not None:
            report(f"{first_refusal}; {candidate} is free")
        return listening
    last = DEFAULT_PORT + TRIED_PORTS - 1
    raise ConflictError(f"ports {DEFAULT_PORT} to {last}", "are all taken; name a free one with --port")
