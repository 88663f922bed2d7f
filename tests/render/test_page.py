"""A page for a terminal, whatever its width."""

from __future__ import annotations

import pytest

from imgcompare.console.style import Style
from imgcompare.render.cells.grid import Cell, Column, Grid
from imgcompare.render.page import Page

COLUMNS = (
    Column(key="variant", title="Measured again"),
    Column(key="what", title=""),
    Column(key="times", title="Times", right=True),
    Column(key="least", title="Least", right=True),
    Column(key="most", title="Most", right=True),
)
ROWS = (("slim", "ready", "3", "37.8 ms", "76.2 ms"), ("full", "stop", "1", "35 ms", "–"))


@pytest.mark.parametrize(
    ("width", "shown"),
    [
        (
            80,
            "Measured again         Times    Least     Most\n"
            "slim            ready      3  37.8 ms  76.2 ms\n"
            "full            stop       1    35 ms        –\n",
        ),
        (
            40,
            "Measured again\n"
            "slim ready · Times 3 · Least 37.8 ms ·\n"
            "  Most 76.2 ms\n"
            "full stop · Times 1 · Least 35 ms\n",
        ),
    ],
)
def test_a_table_keeps_what_its_numbers_are_where_it_has_no_room(width: int, shown: str) -> None:
    """Too narrow for columns, each row is a line, and each of its cells is named as its column is."""
    page = Page(Style(width=width, color=False, ascii_only=False))
    page.table(Grid(COLUMNS, tuple(tuple(Cell(text=text) for text in row) for row in ROWS)))
    assert page.text() == shown
