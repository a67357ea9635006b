"""What is found in variables, whatever else lies there."""

import numpy as np
import pytest
import torch

from core.doctor.watch.variables import find_variables


class Odd:
    """An object of no module."""


Odd.__module__ = None


class Groups:
    """As pandas' groups, whose size is a method."""

    def size(self):
        """Return how many each has."""
        return {"a": 2}


Groups.__module__ = "pandas.core.groupby"


@pytest.mark.parametrize("other", [Odd(), Groups(), np.float32(3.0), np.empty(0)])
def test_other_objects_are_passed_by(other):
    """A tensor beside them is found."""
    found = find_variables([{"other": other, "x": torch.randn(100)}])
    assert list(found.data) == ["x"]


def test_sizes_of_arrays_and_lists_are_known():
    """By these it is seen whether a batch is all that there is."""
    found = find_variables([{"table": np.zeros((30, 4)), "names": ["a"] * 700, "x": torch.ones(2)}])
    assert found.arrays == {120} and found.lists == {700}
