"""Files: values become JSON."""

import math

import numpy as np

from core.files import plain


def test_numbers_of_numpy_become_pythons():
    """Alone, in arrays and in lists; NaN becomes None."""
    values = plain({"a": np.float64(1.5), "b": [np.int64(2), math.nan], "c": np.arange(2.0)})
    assert values == {"a": 1.5, "b": [2, None], "c": [0.0, 1.0]}
    assert [type(n) for n in (values["a"], values["b"][0], values["c"][0])] == [float, int, float]
