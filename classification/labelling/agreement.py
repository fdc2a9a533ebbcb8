"""Whether annotators agree: kappas over the items that several of them labelled.

Cohen, J. (1960). A coefficient of agreement for nominal scales. Educ. Psychol. Meas. 20, 37-46.
Fleiss, J. L. (1971). Measuring nominal scale agreement among many raters. Psychol. Bull. 76,
378-382; with items of different numbers of ratings each weighs alike, as in Fleiss, Levin & Paik
(2003), Statistical Methods for Rates and Proportions, ch. 18.
"""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

from classification.labelling.decisions import Decision


@dataclass(frozen=True, kw_only=True)
class Agreement:
    """What several annotators said of the same items."""

    items: int
    """Items with answers by two annotators or more."""
    fleiss: float | None
    """Fleiss' kappa over those items; None without any, or when all answers are one class."""
    cohen: dict[tuple[str, str], tuple[int, float | None]]
    """Per pair of annotators: number of items both answered, and Cohen's kappa."""
    disagreements: dict[str, dict[str, str]]
    """Answer per annotator of each item on which they differ."""


def agreement(by_annotator: Mapping[tuple[str, str], Decision]) -> Agreement:
    """Compare annotators; unsure and exclude are answers of their own, a skip is none.

    Args:
        by_annotator: what each annotator says now of each item, by (item, annotator).
    """
    answers: dict[str, dict[str, str]] = defaultdict(dict)
    for (item, annotator), decision in by_annotator.items():
        if decision.verdict != "skip":
            answers[item][annotator] = decision.answer
    shared = {item: given for item, given in answers.items() if len(given) > 1}
    pairs: dict[tuple[str, str], list[tuple[str, str]]] = defaultdict(list)
    for given in shared.values():
        for first, second in combinations(sorted(given), 2):
            pairs[first, second].append((given[first], given[second]))
    return Agreement(
        items=len(shared),
        fleiss=fleiss_kappa([Counter(given.values()) for given in shared.values()]),
        cohen={pair: (len(both), cohen_kappa(both)) for pair, both in sorted(pairs.items())},
        disagreements={i: dict(g) for i, g in shared.items() if len(set(g.values())) > 1},
    )


def cohen_kappa(pairs: Sequence[tuple[str, str]]) -> float | None:
    """Cohen's kappa of two annotators' answers to the same items; None where undefined."""
    n = len(pairs)
    if not n:
        return None
    first, second = Counter(a for a, _ in pairs), Counter(b for _, b in pairs)
    chance = sum(first[name] * second[name] for name in first) / n**2
    return _kappa(sum(a == b for a, b in pairs) / n, chance)


def fleiss_kappa(ratings: Sequence[Mapping[str, int]]) -> float | None:
    """Fleiss' kappa; None where undefined.

    Args:
        ratings: number of annotators per answer, of each item; two or more per item.
    """
    if not ratings:
        return None
    observed, shares = 0.0, defaultdict[str, float](float)
    for counts in ratings:
        n = sum(counts.values())
        observed += sum(c * (c - 1) for c in counts.values()) / (n * (n - 1))
        for name, count in counts.items():
            shares[name] += count / n
    chance = sum((share / len(ratings)) ** 2 for share in shares.values())
    return _kappa(observed / len(ratings), chance)


def _kappa(observed: float, chance: float) -> float | None:
    """Share of the agreement beyond chance that was reached; undefined with one answer only."""
    return None if chance > 1 - 1e-12 else (observed - chance) / (1 - chance)
