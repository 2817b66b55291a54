"""Threads share the workers: each gets the verdicts of its own texts, in turn, whatever happens to the others."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from errors import InputError
from judge import Case, Judge, Limits, Problem, sandbox, worker_pool
from judge.worker_pool import WorkerPool, WorkerProcess

LIMITS = Limits(steps=20_000, cpu_seconds=5.0, wall_seconds=10.0)


def problem(number):
    """A problem that only the texts of this number solve."""
    return Problem(f"p{number}", "f", (Case((1,), number), Case((2,), 2 * number)))


def tasks(number, count):
    """Right texts of this number, then as many that solve another number's problem or do not compile."""
    right = [(problem(number), f"def f(x): return {number} * x  # {i}") for i in range(count)]
    wrong = [(problem(number), f"def f(x): return {number + 1} * x  # {i}") for i in range(count)]
    return [*right, *wrong, (None, f"{number} +"), (None, f"x = {number}")]


def wait_until(condition):
    deadline = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.001)


@pytest.mark.parametrize("workers", [1, 3])
def test_several_threads_get_the_verdicts_of_their_own_texts(workers):
    numbers = range(1, 7)
    with Judge(LIMITS, workers=workers) as judge, ThreadPoolExecutor(len(numbers)) as threads:
        answers = list(threads.map(lambda number: judge.verdicts(tasks(number, 8)), numbers))
    for verdicts in answers:
        assert [verdict.passed for verdict in verdicts[:8]] == [2] * 8
        assert [verdict.passed for verdict in verdicts[8:16]] == [0] * 8
        assert [verdict.compiled for verdict in verdicts[16:]] == [False, True]


def test_a_thread_with_one_text_does_not_wait_for_all_texts_of_another():
    done = []
    with Judge(LIMITS, workers=1) as judge:
        judge.verdict("x = 0")  # the process runs

        def ask(name, texts):
            judge.verdicts(texts)
            done.append(name)

        many = threading.Thread(target=ask, args=("many", tasks(1, 60)))
        many.start()
        wait_until(lambda: any(judge._pool._owners.values()))
        ask("one", [(None, "y = 1")])
        many.join()
    assert done == ["one", "many"]


def test_an_interrupted_question_leaves_the_others_their_answers(monkeypatch):
    interrupted, answer = threading.Event(), WorkerProcess.answer

    def interrupt(worker, *, wait):
        if threading.current_thread().name == "interrupted":
            interrupted.set()
            raise KeyboardInterrupt
        return answer(worker, wait=wait)

    with Judge(LIMITS, workers=2) as judge:
        monkeypatch.setattr(WorkerProcess, "answer", interrupt)

        def ask():
            with pytest.raises(KeyboardInterrupt):
                judge.verdicts(tasks(1, 4))

        thread = threading.Thread(target=ask, name="interrupted")
        thread.start()
        verdicts = judge.verdicts(tasks(2, 20))
        thread.join()
        assert interrupted.is_set()
        assert [verdict.passed for verdict in verdicts[:40]] == [2] * 20 + [0] * 20
        assert judge.verdict("def f(x): return 3 * x", problem(3)).passed == 2  # all workers are idle again


def test_whoever_waits_longest_gets_the_next_worker():
    pool, order = WorkerPool(1), []
    first = pool.acquire("first", wait=True)

    def wait(name):
        worker = pool.acquire(name, wait=True)
        order.append(name)
        pool.release(worker, owner=name)

    threads = [threading.Thread(target=wait, args=(name,)) for name in ("second", "third")]
    for waiting, thread in enumerate(threads, start=1):
        thread.start()
        wait_until(lambda: len(pool._queue) == waiting)  # noqa: B023
    assert pool.acquire("fourth", wait=False) is None
    pool.release(first, owner="first")
    for thread in threads:
        thread.join()
    assert order == ["second", "third"]


SILENT = "import time; time.sleep(600)"


@pytest.fixture
def silent_workers(monkeypatch):
    """Processes that neither read a request nor answer one."""
    monkeypatch.setattr(worker_pool, "_START", SILENT)
    monkeypatch.setattr(worker_pool, "MESSAGE_SECONDS", 0.1)
    monkeypatch.setattr(worker_pool, "_PATIENCE", 0.1)


def test_a_worker_that_never_answers_is_given_up(silent_workers):
    worker = WorkerProcess()
    worker.ask({"kind": "text"})
    assert worker.answer(wait=True, seconds=0.1) is None and worker._process is None


def test_a_worker_that_never_reads_is_given_up_and_said(silent_workers):
    worker = WorkerProcess()
    with pytest.raises(InputError, match="does not start"):
        worker.ask({"text": "a" * 10**6})
    assert worker._process is None


def test_trying_a_sandbox_out_ends_though_nobody_answers(silent_workers, monkeypatch):
    monkeypatch.setattr(sandbox, "PROBE_SECONDS", 0.1)
    assert sandbox.probe().level == sandbox.SandboxLevel.NONE
