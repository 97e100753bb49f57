"""For `pytest -n N --dist loadgroup`: the tests of a lab's mutants stay
together, and so do its others, for they share trees and gradings. What takes
longest comes first."""

import pytest


@pytest.hookimpl(tryfirst=True)     # before xdist looks at the marks
def pytest_collection_modifyitems(items):
    """Group by the lab that a test is a parameter of."""
    def of_mutants(item):
        return "mutants_graded" in item.fixturenames
    items.sort(key=of_mutants, reverse=True)
    for item in items:
        spec = getattr(item, "callspec", None)
        lab = spec and spec.params.get("name") or "all"
        item.add_marker(pytest.mark.xdist_group(
            f"{lab} mutants" if of_mutants(item) else lab))
