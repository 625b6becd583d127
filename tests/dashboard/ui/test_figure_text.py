"""Words of people and of platforms in figures: plotly shows them, and takes none for its markup."""

import pytest

from dashboard.executives.chart_frame import labels_of
from dashboard.ui.chart_style import figure_text
from storage.model.core.accounts import ListId
from storage.model.core.orders import Order
from tests.support.samples.readings import T0


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        pytest.param("<a href='https://x'>all</a>", "&lt;a href='https://x'&gt;all&lt;/a&gt;", id="a link"),
        pytest.param("Accounts <1,000 & more", "Accounts &lt;1,000 &amp; more", id="a sign that is meant"),
        pytest.param("a\u202eb", "a\ufffdb", id="a mark that nobody sees"),
    ],
)
def test_foreign_text_is_no_markup(text: str, shown: str) -> None:
    assert figure_text(text) == shown


def test_the_title_of_an_order_is_no_markup_on_an_axis() -> None:
    order = Order(1, "R", "<b>First</b>", "MeitY", "IN", "69A", T0, None, None, None, 2, ListId(1), T0)
    (label,) = labels_of([order], [])
    assert "<" not in label.text + label.hover
