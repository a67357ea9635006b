"""``python -m core predict``: what is read, and how sure that is."""

from core.commands.inference import PREDICT


def test_a_picture_that_looks_like_no_digit_is_told():
    """As where a screenshot is given: no digit has half of the probability."""
    sure = {"image": "a.png", "digit": 1, "probabilities": [0.02, 0.98]}
    unsure = {"image": "b.png", "digit": 0, "probabilities": [0.4, 0.3, 0.3]}
    empty = {"image": "c.png", "digit": None, "probabilities": []}
    lines = PREDICT.show({"predictions": [sure, unsure, empty]}).splitlines()
    assert lines[0] == "a.png: 1 (98.0%)"
    assert lines[1].startswith("b.png: 0 (40.0%; ") and "picture of none" in lines[1]
    assert lines[2] == "c.png: empty, there is no ink on it"
