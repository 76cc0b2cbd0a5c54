"""Tables of what was measured."""

from statistics import median, quantiles


def figures(values):
    """Median, 10th and 90th percentile."""
    deciles = quantiles(values, n=10, method="inclusive") if len(values) > 1 else values * 9
    return median(values), deciles[0], deciles[8]


def show(title, header, rows):
    """Prints a table: the first column to the left, figures to the right."""
    cells = [[str(cell) for cell in row] for row in [header, *rows]]
    widths = [max(map(len, column)) for column in zip(*cells)]
    print(f"\n{title}")
    for row in cells:
        first, *rest = [(cell, width) for cell, width in zip(row, widths)]
        print("  ".join([first[0].ljust(first[1]), *(cell.rjust(width) for cell, width in rest)]).rstrip())
