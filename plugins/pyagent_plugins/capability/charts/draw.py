"""Draws the four pictures with matplotlib, without a display, the same on every machine."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pyagent.errors import ConfigError, StoreError
from pyagent_plugins.capability.charts import series

if TYPE_CHECKING:
    from pyagent_plugins.capability.registry.registry import Registry

# Told apart by people with any kind of colour vision (Okabe and Ito 2008).
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
STYLE: Any = {
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "grid.color": "#e4e4e7",
    "grid.linewidth": 0.8,
    "axes.axisbelow": True,
    "axes.edgecolor": "#a1a1aa",
    "axes.labelcolor": "#3f3f46",
    "xtick.color": "#52525b",
    "ytick.color": "#52525b",
    "font.size": 10,
    "axes.titlesize": 12,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "legend.frameon": False,
    # Text stays text, and the same input gives the same bytes.
    "svg.fonttype": "none",
    "svg.hashsalt": "pyagent",
}


def ability(held: Registry, models: Sequence[str], axes: Any) -> bool:
    """Ability over weeks: the index with its interval as a band, a cross where a regression was found."""
    rows = series.lines(held, models)
    weeks = sorted({week for row in rows for week in row.weeks})
    place = {week: at for at, week in enumerate(weeks)}
    for row, colour in zip(rows, _colours(len(rows)), strict=True):
        at = [place[week] for week in row.weeks]
        middle = [100 * share.solved for share in row.shares]
        low, high = [100 * s.low for s in row.shares], [100 * s.high for s in row.shares]
        axes.plot(at, middle, color=colour, marker="o", markersize=4, label=row.model)
        if len(at) > 1:
            axes.fill_between(at, low, high, color=colour, alpha=0.15, linewidth=0)
        else:
            axes.errorbar(at, middle, [[middle[0] - low[0]], [high[0] - middle[0]]], color=colour, capsize=3)
        marks = [
            (place[week], 100 * s.solved) for week, s in zip(row.weeks, row.shares, strict=True) if week in row.marks
        ]
        if marks:
            axes.scatter(*zip(*marks, strict=True), marker="x", s=90, color="#b91c1c", zorder=5, label="regression")
    axes.set_xticks(
        range(len(weeks)), weeks, rotation=45 if len(weeks) > 6 else 0, ha="right" if len(weeks) > 6 else "center"
    )
    axes.set(title="Ability over weeks", ylabel="items solved, %, with 95 % interval", ylim=(0, 100))
    if rows:
        axes.legend(loc="upper left", bbox_to_anchor=(1.01, 1))
    return bool(rows)


def frontier(held: Registry, models: Sequence[str], axes: Any) -> bool:
    """Cost against ability; the pale dot is where the model stood a week before."""
    rows = series.points(held, models)
    for row, colour in zip(rows, _colours(len(rows)), strict=True):
        y = 100 * row.share.solved
        error = [[y - 100 * row.share.low], [100 * row.share.high - y]]
        axes.errorbar(row.cost, y, error, fmt="o", color=colour, capsize=3)
        axes.annotate(row.model, (row.cost, y), xytext=(7, 5), textcoords="offset points", color=colour)
        if row.before is not None:
            cost, share = row.before
            axes.scatter(cost, 100 * share.solved, color=colour, alpha=0.3)
            axes.plot([cost, row.cost], [100 * share.solved, y], color=colour, alpha=0.3, linestyle=":")
    if any(row.cost > 0 for row in rows):
        # Prices differ by powers of ten; a model of one's own costs nothing, and stands at the left.
        axes.set_xscale("symlog", linthresh=min(row.cost for row in rows if row.cost > 0))
    axes.set(
        title="Cost against ability", xlabel="USD for an item that passed", ylabel="items solved, %", ylim=(0, 100)
    )
    return bool(rows)


def heatmap(held: Registry, models: Sequence[str], axes: Any) -> bool:
    """What each model can do, dimension by dimension; a dash where it was not asked."""
    rows = series.heat(held, models)
    shares = [[float("nan") if x is None else 100 * x for x in row] for row in rows.solved]
    if not shares:
        return False
    axes.imshow(shares, cmap="YlGnBu", vmin=0, vmax=100, aspect="auto")
    for y, row in enumerate(rows.solved):
        for x, share in enumerate(row):
            dark = share is not None and share > 0.55
            text = "–" if share is None else f"{100 * share:.0f}"
            axes.text(x, y, text, ha="center", va="center", fontsize=9, color="white" if dark else "#3f3f46")
    axes.set_xticks(range(len(rows.dims)), rows.dims, rotation=45, ha="right")
    axes.set_yticks(range(len(rows.models)), rows.models)
    axes.grid(visible=False)
    axes.set(title="Items solved, %")
    return True


def memorised(held: Registry, models: Sequence[str], axes: Any) -> bool:
    """Anchors minus fresh items of equal level: right of the line a model knows the frozen questions by heart."""
    rows = series.learned(held, models)
    for y, ((_, gaps), colour) in enumerate(zip(rows, _colours(len(rows)), strict=True)):
        gap = gaps[0]
        error = [[100 * (gap.gap - gap.low)], [100 * (gap.high - gap.gap)]]
        axes.barh(y, 100 * gap.gap, color=colour, height=0.5, xerr=error, ecolor="#52525b", capsize=3)
    axes.set_yticks(range(len(rows)), [f"{model} (n={gaps[0].anchors}+{gaps[0].fresh})" for model, gaps in rows])
    axes.axvline(0, color="#a1a1aa", linewidth=1)
    axes.axvline(5, color="#b91c1c", linewidth=1, linestyle="--")
    axes.set(title="Learned by heart?", xlabel="anchors minus fresh, points, with 95 % interval; above 5 is suspicious")
    return bool(rows)


CHARTS: dict[str, Callable[[Any, Sequence[str], Any], bool]] = {
    "ability": ability,
    "frontier": frontier,
    "heat": heatmap,
    "memorised": memorised,
}


def draw(name: str, held: Registry, models: Sequence[str], path: Path) -> bool:
    """Write one picture; ``path`` ends in .svg or .png. Gives False, and writes nothing, where nothing is measured.

    Raises ConfigError (78) without matplotlib, StoreError (74) where the file cannot be written.
    """
    try:
        import matplotlib
    except ImportError as error:
        raise ConfigError(
            "pictures need matplotlib", "install it with: pip install 'pyagent-swarm[capability]'"
        ) from error
    from matplotlib.figure import Figure

    with matplotlib.rc_context(STYLE):
        figure = Figure(figsize=(9, 5), dpi=130, layout="constrained")
        if not CHARTS[name](held, models, figure.add_subplot()):
            return False
        try:
            figure.savefig(path, metadata={"Date": None} if path.suffix == ".svg" else None)
        except OSError as error:
            raise StoreError(f"cannot write {path} ({error.strerror})", "name another place with -o") from error
    return True


def _colours(count: int) -> list[str]:
    return [COLOURS[at % len(COLOURS)] for at in range(count)]
