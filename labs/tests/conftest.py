"""For `pytest -n auto --dist loadgroup`: a lab's tests stay together, for they
share its trees and gradings."""

import pytest


@pytest.hookimpl(tryfirst=True)     # before xdist looks at the marks
def pytest_collection_modifyitems(items):
    """Group by the lab that a test is a parameter of."""
    for item in items:
        lab = getattr(item, "callspec", None) and item.callspec.params.get("name")
        item.add_marker(pytest.mark.xdist_group(lab or "all"))
