"""The Python client against a running shop: the example of its README, in a process of its own."""

import subprocess
import sys

import pytest

from dev.paths import ROOT

FOLDER = ROOT / "clients" / "python"


@pytest.mark.parametrize("running_shop", ["embedded"], indirect=True)
def test_the_example_of_the_readme_runs(shop):
    example = (FOLDER / "README.md").read_text().partition("```python\n")[2].partition("```")[0]
    for given, ours in (
        ("http://127.0.0.1:8000", f"http://127.0.0.1:{shop.port}"),
        ("shop_...", shop.tokens["ada"]),
        ("MUG", "MUG-BLUE"),
    ):
        assert given in example
        example = example.replace(given, ours)

    # Isolated (-I), and so with nothing of ours but the client.
    program = f"import sys; sys.path.insert(0, {str(FOLDER)!r})\n{example}\nprint('order', order['number'])"
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", program], capture_output=True, text=True, check=False, timeout=60
    )

    assert done.returncode == 0, done.stderr
    number = done.stdout.split()[-1]
    [(status,)] = shop.rows("select status from orders_order where 'ORD-' || serial = %s", number)
    assert status in {"cancelling", "cancelled", "delivered", "shipped", "paid", "in_fulfilment", "placed"}
    shop.audit()  # nothing is under way when the next test counts the stock
