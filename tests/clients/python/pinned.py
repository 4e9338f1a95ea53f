"""Makes sure that the Python in use is the one setup.sh prepared. Needs nothing but the standard library."""

import importlib.metadata
import sys
from pathlib import Path


def check_package(requirements: str) -> None:
    """Ends the program unless the `mcp` package of this Python is the pinned one."""
    lines = (Path(__file__).resolve().parent / requirements).read_text().splitlines()
    pinned = next(line.removeprefix("mcp==") for line in lines if line.startswith("mcp=="))
    try:
        found = importlib.metadata.version("mcp")
    except importlib.metadata.PackageNotFoundError:
        found = "missing"
    if found != pinned:
        line = Path(requirements).stem.removeprefix("requirements-")
        sys.exit(
            f"mcp is {found} in {sys.prefix}, not {pinned}: run tests/clients/setup.sh "
            f"and use $COFFERDAM_TEST_DEPS/python-{line}/bin/python (default: target/test-deps)"
        )
