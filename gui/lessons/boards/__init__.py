"""Boards: matrices whose cells can be selected."""
