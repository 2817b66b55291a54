"""Solving problems: which there are, submitting a solution, ending a run. Not here: running code (`submission`)."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from errors import InputError
from judge import Problem
from judge.problems import public_record
from services.http.endpoints import MALFORMED, Endpoint
from services.http.responses import answer, read, refuse
from services.messages.messages import CaseAnswer
from services.messages.solve_messages import (
    ProblemMessage,
    ProblemSummary,
    StopAnswer,
    StopRequest,
    SubmissionAnswer,
    SubmissionRequest,
)
from services.services import Services
from services.solving.submission import Submission, submit
from simulation.builtin_problems import BY_ID

_UNKNOWN = {404: "there is no such problem"}


def endpoints(services: Services) -> Sequence[Endpoint]:
    """The addresses."""
    service = SolveService(services)
    return [
        Endpoint("GET", "/api/problems", service.problems, "Problems to choose from.", list[ProblemSummary]),
        Endpoint("GET", "/api/problems/{id}", service.problem, "A problem.", ProblemMessage, refusals=_UNKNOWN),
        Endpoint(
            "POST",
            "/api/submissions",
            service.submit,
            "Run a solution against all cases, hidden ones too.",
            SubmissionAnswer,
            SubmissionRequest,
            refusals={**_UNKNOWN, **MALFORMED},
        ),
        Endpoint(
            "POST",
            "/api/runs/stop",
            service.stop,
            "End a session's runs and submissions that are under way.",
            StopAnswer,
            StopRequest,
            refusals=MALFORMED,
        ),
    ]


@dataclass
class SolveService:
    """Handlers of the addresses."""

    services: Services

    async def problems(self, request: Request) -> Response:
        problems = [problem for problem in self.services.problems.values() if problem is not BY_ID.get(problem.id)]
        return answer([self._summary(problem) for problem in problems])

    async def problem(self, request: Request) -> Response:
        problem = self.services.problems.get(request.path_params["id"])
        if problem is None:
            return refuse(404, _UNKNOWN[404])
        hidden_cases = len(problem.cases) - len(problem.visible_cases)
        return answer({**public_record(problem), "hidden_cases": hidden_cases})

    async def submit(self, request: Request) -> Response:
        message = await read(request, SubmissionRequest)
        services = self.services
        problem = services.problems.get(message.problem_id)
        if problem is None:
            return refuse(404, _UNKNOWN[404])
        if refusal := await asyncio.to_thread(lambda: services.tester.refusal):
            return refuse(503, refusal)
        submission = await services.runs.run(
            request, message.episode_id, lambda wanted: submit(services.tester, problem, message.code, wanted)
        )
        await asyncio.to_thread(self._note, message, submission)
        return answer(_submission_answer(submission))

    async def stop(self, request: Request) -> Response:
        message = await read(request, StopRequest)
        return answer(StopAnswer(self.services.runs.stop(message.episode_id)))

    def _summary(self, problem: Problem) -> ProblemSummary:
        solved = problem.id in self.services.solved
        return ProblemSummary(problem.id, problem.title, problem.difficulty, list(problem.topics), solved)

    def _note(self, message: SubmissionRequest, submission: Submission) -> None:
        run = submission.as_test_run(message.episode_id, message.timestep)
        self.services.recorder.note_test_run(message.episode_id, run)
        if submission.success:
            try:
                self.services.solved.add(message.problem_id)
            except InputError as error:  # the result is answered all the same
                self.services.recorder.note_refusal(error)


def _submission_answer(submission: Submission) -> SubmissionAnswer:
    hidden = submission.hidden_results
    return SubmissionAnswer(
        submission.success,
        submission.execution.passed,
        submission.total,
        sum(result.passed for result in hidden),
        len(hidden),
        msgspec.convert(submission.first_failure, CaseAnswer | None),
        submission.execution.error,
        round(submission.execution.milliseconds, 3),
    )
