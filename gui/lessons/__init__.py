"""The live parts of the lessons, each found by being here: a module with a ``Part``.

``Part(room, options)`` is a widget as wide as the column that says its own height; it may have
``abandon()``. It is made when torch is there, and does its work when it is first shown.
"""
