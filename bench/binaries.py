"""How large functions are. Fails when one is larger than it may be.

Called by bench/run: TARGET FUNCTION...
"""

import sys
import zipfile
from io import BytesIO
from pathlib import Path

import table

# The project's goals, in MB.
MOST, MOST_ZIPPED = 5.0, 2.5


def main(target, names):
    too_large = [name for name, plain, packed in show(Path(target), names) if plain > MOST or packed > MOST_ZIPPED]
    if too_large:
        sys.exit(f"over {MOST} MB, or {MOST_ZIPPED} MB zipped: {', '.join(too_large)}")


def show(target, names):
    """Prints and gives what each function has: its name, MB, MB zipped."""
    sizes = [(name, *_sizes(target / "release" / name)) for name in names]
    rows = [[name, f"{plain:.2f}", f"{packed:.2f}"] for name, plain, packed in sizes]
    table.show("Size", ["function", "MB", "MB zipped"], rows)
    return sizes


def _sizes(path):
    """A binary's MB, and those of its zip file as `sam` makes it."""
    packed = BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.write(path, "bootstrap")
    return path.stat().st_size / 1e6, len(packed.getvalue()) / 1e6


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:])
