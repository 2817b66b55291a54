"""Whether an estimate of a text and its writer tells what people accept, beside plain rules, on people it never saw.

    python -m benchmarks.reviewer CUPS [--threshold 0.4] [--draws 1000] [--json]

CUPS is a folder with one file a person, one JSON object a line: `event` (`Shown`; then `Accepted` or `Rejected`),
`text_before_cursor`, `suggestion` and `writer.meanLogProb` (telemetry of "Reading Between the Lines", Mozannar et al.,
CHI 2024). What is known of a suggestion comes from its `Shown` row alone. For each person the reviewer is fitted on the
others:

    fitted          on the others, from nothing
    shipped         the coefficients that the reviewer begins with, which were fitted on such people
    refitted        as fitted, then after each text refitted on what this person did before (`SHRINKAGE`)
    log-prob        logistic in the writer's mean log-probability alone, fitted on the others
    always          the others' accept rate for every text

AUROC      pooled, and mean of the persons who accepted some and rejected some
shown      share of texts from the threshold on; accept rate of those; of the accepted, the share shown
error      calibration error: mean distance of p and the accept rate in ten groups of like p, weighted by size
Brier      mean squared error of p

Intervals (95 %) are over persons: as many are drawn with replacement as there are, `--draws` times. Not here: how long
accepted text stays.
"""

from __future__ import annotations

from benchmarks import command_lines

if __name__ == "__main__":
    OPTIONS = command_lines.read_options(command_lines.reviewer(__doc__))

import argparse
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

import strict_json
from benchmarks.arguments import run_study
from errors import InputError
from models.reviewer import FEATURES, START, WrittenText, estimates, fit

RIDGE = 1.0
"""Weight of half the squared length of coefficients that are fitted from nothing."""

LEARNED = tuple(name != "policy_logit" for name in FEATURES)
"""Inputs that these people say something about: there was no policy."""

GROUPS = 10

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class PersonTexts:
    """What one person was shown: features `(N, F)`, and whether they accepted it `(N,)`, in order."""

    name: str
    features: Floats
    accepted: Floats


def read_people(folder: Path) -> list[PersonTexts]:
    """Every person of a folder. Raises InputError: there is none, or a file is not as expected."""
    people = [_read_person(path) for path in sorted(folder.glob("*.jsonl"))]
    people = [person for person in people if len(person.accepted)]
    if len(people) < 2:
        raise InputError(str(folder), "expected a file (.jsonl) for each of at least two people")
    return people


def _read_person(path: Path) -> PersonTexts:
    features, accepted = [], []
    shown_event: dict[str, Any] | None = None
    try:
        for line in path.read_text(encoding="utf-8").splitlines():
            row = json.loads(line)
            if row["event"] == "Shown":
                shown_event = row
            elif row["event"] in ("Accepted", "Rejected") and shown_event is not None:
                features.append(_written_text(shown_event).features())
                accepted.append(float(row["event"] == "Accepted"))
                shown_event = None
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise InputError(str(path), f"is no telemetry of suggestions ({type(error).__name__}: {error})") from error
    return PersonTexts(path.stem, np.array(features).reshape(-1, len(FEATURES)), np.array(accepted))


def _written_text(event: dict[str, Any]) -> WrittenText:
    text = event["suggestion"]
    before = event["text_before_cursor"].rsplit("\n", 1)[-1]
    return WrittenText(text, before, not text.startswith("\n"), event["writer"].get("meanLogProb"))


Estimate = Callable[[Sequence[PersonTexts], PersonTexts], Floats]
"""p(accepted) `(N,)` of the last person's texts, from the others."""


def always(other_people: Sequence[PersonTexts], person: PersonTexts) -> Floats:
    """The others' accept rate."""
    return np.full(len(person.accepted), np.concatenate([other.accepted for other in other_people]).mean())


def by_log_prob(other_people: Sequence[PersonTexts], person: PersonTexts) -> Floats:
    """From the writer's confidence alone."""
    used = tuple(name in ("bias", "mean_log_prob", "no_log_prob") for name in FEATURES)
    return estimates(fit_people(other_people, used), person.features)


def fitted(other_people: Sequence[PersonTexts], person: PersonTexts) -> Floats:
    """From all that is known of the text."""
    return estimates(fit_people(other_people), person.features)


def shipped(other_people: Sequence[PersonTexts], person: PersonTexts) -> Floats:
    """With the coefficients that the reviewer begins with."""
    return estimates(START, person.features)


def refitted(other_people: Sequence[PersonTexts], person: PersonTexts) -> Floats:
    """Fitted on the others, then before each text on what this person did."""
    start = fit_people(other_people)
    return np.array(
        [
            estimates(fit(person.features[:i], person.accepted[:i], start=start), person.features[i : i + 1])[0]
            for i in range(len(person.accepted))
        ]
    )


def fit_people(people: Sequence[PersonTexts], used: Sequence[bool] = LEARNED) -> tuple[float, ...]:
    """The coefficients that explain what people accepted, 0 for inputs that are not used."""
    features = np.concatenate([person.features for person in people]) * np.array(used, dtype=float)
    accepted = np.concatenate([person.accepted for person in people])
    return fit(features, accepted, start=[0.0] * len(FEATURES), shrinkage=RIDGE)


ESTIMATES: dict[str, Estimate] = {
    "fitted": fitted, "shipped": shipped, "refitted": refitted, "log-prob": by_log_prob, "always": always,
}  # fmt: skip


def measures(probabilities: Sequence[Floats], accepted: Sequence[Floats], threshold: float) -> dict[str, float]:
    """The numbers of one estimate; one array for each person."""
    p, y = np.concatenate(probabilities), np.concatenate(accepted)
    is_shown = p >= threshold
    within = [auroc(one, of) for one, of in zip(probabilities, accepted, strict=True)]
    return {
        "auroc": auroc(p, y),
        "auroc_within": float(np.mean([value for value in within if not np.isnan(value)] or [np.nan])),
        "shown": float(is_shown.mean()),
        "accept_rate": float(y[is_shown].mean()) if is_shown.any() else np.nan,
        "accepted_shown": float(is_shown[y > 0].mean()) if y.any() else np.nan,
        "error": calibration_error(p, y),
        "brier": float(((p - y) ** 2).mean()),
    }


def auroc(p: Floats, y: Floats) -> float:
    """How often an accepted text has a higher p than a rejected one, ties counted half; NaN: there is one kind only."""
    accepted, rejected = p[y > 0], p[y == 0]
    if not len(accepted) or not len(rejected):
        return float("nan")
    differences = accepted[:, None] - rejected[None, :]
    return float((differences > 0).mean() + 0.5 * (differences == 0).mean())


def calibration_error(p: Floats, y: Floats) -> float:
    """Mean distance of p and outcome over `GROUPS` groups of equal size by p, weighted by size."""
    groups = np.array_split(np.argsort(p, kind="stable"), GROUPS)
    return float(sum(abs(p[group].mean() - y[group].mean()) * len(group) for group in groups if len(group)) / len(p))


def study(
    people: Sequence[PersonTexts], threshold: float, draws: int
) -> dict[str, dict[str, tuple[float, float, float]]]:
    """By estimate and measure: the number, and its interval over persons."""
    accepted = [person.accepted for person in people]
    results = {}
    for name, estimate in ESTIMATES.items():
        p = [estimate([other for other in people if other is not person], person) for person in people]
        generator = np.random.default_rng(0)
        drawn = [generator.integers(len(people), size=len(people)) for _ in range(draws)]
        samples = [measures([p[i] for i in draw], [accepted[i] for i in draw], threshold) for draw in drawn]
        results[name] = {
            key: (value, *np.nanpercentile([sample[key] for sample in samples], (2.5, 97.5)).tolist())
            for key, value in measures(p, accepted, threshold).items()
        }
    return results


def main(options: argparse.Namespace) -> None:
    """Prints the table, and the coefficients of a fit on all."""
    people = read_people(options.people)
    results = study(people, options.threshold, options.draws)
    coefficients = dict(zip(FEATURES, fit_people(people), strict=True))
    if options.json:
        print(strict_json.dumps({"estimates": results, "coefficients": coefficients}))
        return
    names = list(next(iter(results.values())))
    print(f"| {len(people)} people | {' | '.join(names)} |\n|---{'|---' * len(names)}|")
    for name, row in results.items():
        print(f"| {name} | {' | '.join(f'{value:.2f} [{low:.2f}, {high:.2f}]' for value, low, high in row.values())} |")
    print(f"\ncoefficients fitted on all: {', '.join(f'{name} {value:.2f}' for name, value in coefficients.items())}")


if __name__ == "__main__":
    run_study(lambda: main(OPTIONS))
