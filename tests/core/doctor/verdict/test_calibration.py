"""The confidence that a person reads, and the score behind it."""

import itertools

from core.doctor.diagnosis import Check
from core.doctor.verdict.calibration import SHARES, calibrated
from core.doctor.verdict.conclusion import BROKEN, causes_of


def test_more_score_is_more_confidence():
    """From 0 to almost 1: what was seen to be right now and then is never certain."""
    found = [calibrated(score / 100) for score in range(101)]
    assert found == sorted(found) and found[0] == 0.0 and 0.9 < found[-1] < 1.0
    assert all(
        a < b for pair in zip(*itertools.pairwise(SHARES), strict=True) for a, b in [pair[:2]]
    )


def test_scores_rank_causes_and_confidences_are_read():
    """The order of causes, and what counts as broken, are as they were without a calibration."""
    checks = tuple(
        Check(id, id, False, "measured", "expected", "", score)
        for id, score in (("lr_growing", 0.6), ("double_softmax", 0.9), ("labels_noisy", 0.7))
    )
    causes = causes_of(checks)
    assert [cause.score for cause in causes] == [0.9, 0.7, 0.6]
    assert [cause.confidence for cause in causes] == [calibrated(c.score) for c in causes]
    assert causes[-1].score >= BROKEN
