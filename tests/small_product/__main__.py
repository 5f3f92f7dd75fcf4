"""run.py with small programs in place of the product's; arguments are run.py's own."""

from __future__ import annotations

import sys

import run

SMALL = run.Product(
    web="tests.small_product.web:create_app()",
    prepare=("tests.small_product.prepare",),
    worker=("tests.small_product.worker",),
    timetable=("tests.small_product.worker", "timetable"),
)

if __name__ == "__main__":
    sys.exit(run.main(sys.argv[1:], SMALL))
