"""What a softer layer's place, stiffness and count, and steps or offsets of the layers, do to the stress at a
conductor's foot and joints.

python benchmarks/claims/stress_absorbing_conductor.py [--quick] writes stress-absorbing-conductor.md, .png and .csv.
"""

from __future__ import annotations

from common import HERE, Design, Result, arguments, measure_all, table, value, worst, write_numbers, write_page

HARD = '"copper-as-deposited"'
SOFT = {
    "none (all hard copper)": HARD,
    "annealed copper": '"copper"',
    "gold": '"gold"',
    "palladium": '"palladium"',
    "nickel in resin, 20 %": '{ composite = "mori-tanaka", matrix = "acf-resin", particles = "nickel", fraction = 0.2, '
    "hardness = 20 }",
    "silver-filled adhesive": '{ like = "silver-filled-adhesive", hardness = 20 }',
}
MODULI = (110.0, 80.0, 50.0, 30.0, 15.0, 5.0)
COUNTS = (1, 2, 3, 4)
SHAPES = {
    "straight 50/50/50": (50, 50, 50),
    "stepped 60/50/40": (60, 50, 40),
    "stepped 40/50/60": (40, 50, 60),
    "waisted 50/40/50": (50, 40, 50),
    "bellied 50/60/50": (50, 60, 50),
}
OFFSETS = {
    "straight": (0, 0, 0),
    "staggered 0/10/0": (0, 10, 0),
    "staggered 0/20/0": (0, 20, 0),
    "stairs 0/10/20": (0, 10, 20),
}
HEIGHTS = (35.0, 20.0, 35.0)
PLACES = ("foot", "middle", "top")


def layers(entries: list[tuple[float, float, float, str]]) -> str:
    """``--set`` text of layers (thickness, radius, offset, material)."""
    parts = (f"{{ thickness = {t:.12g}, radius = {r:g}, offset = {o:g}, material = {m} }}" for t, r, o, m in entries)
    return f"layer=[{', '.join(parts)}]"


def main() -> None:
    """Run the study."""
    given = arguments(__doc__ or "")
    mesh = (
        "metrics.length=[5,1]",
        *(("mesh.size=0.2", "mesh.growth=2") if given.quick else ("mesh.size=0.01", "mesh.growth=1.5")),
    )
    soft = dict(list(SOFT.items())[:2] + list(SOFT.items())[4:5]) if given.quick else SOFT
    moduli, counts = (MODULI[::5], COUNTS[:2]) if given.quick else (MODULI, COUNTS)

    def three(
        place: int, material: str, radii: tuple[float, ...] = (50, 50, 50), offsets: tuple[float, ...] = (0, 0, 0)
    ) -> str:
        boxes = enumerate(zip(HEIGHTS, radii, offsets, strict=True))
        return layers([(*box, material if i == place else HARD) for i, box in boxes])

    def design(text: str, *more: str) -> Design:
        return Design("staggered", (*mesh, text, *more))

    places = [(name, place, design(three(place, material))) for name, material in soft.items() for place in range(3)]
    stiff = [
        (e, place, design(three(place, f'{{ like = "copper-as-deposited", E = {e:g}, hardness = 50 }}')))
        for place in range(3)
        for e in moduli
    ]
    shared = [(n, design(_alternating(n))) for n in counts]
    adhesive = SOFT["nickel in resin, 20 %"]
    both = (SOFT["annealed copper"], adhesive)
    shapes = [(name, m, design(three(1, m, radii))) for name, radii in SHAPES.items() for m in both]
    plane = 'model.kinematics="generalized-plane-strain"'
    offsets = [(name, m, design(three(1, m, (50, 50, 50), o), plane)) for name, o in OFFSETS.items() for m in both]
    if given.quick:
        shapes, offsets = shapes[:2], offsets[:3:2]
    groups = (places, stiff, shared, shapes, offsets)
    results = iter(
        measure_all([entry[-1] for group in groups for entry in group], given, "stress-absorbing-conductor.csv")
    )
    solved = [[(*entry[:-1], next(results)) for entry in group] for group in groups]
    write_numbers(given.out / "stress-absorbing-conductor.csv", [entry[-1] for group in solved for entry in group])
    _figure(given.out / "stress-absorbing-conductor.png", solved)
    text = (HERE / "stress-absorbing-conductor.text.md").read_text(encoding="utf-8")
    every = [entry[-1] for group in solved for entry in group]
    write_page(given.out / "stress-absorbing-conductor.md", text, *_tables(solved), worst(every))


def _alternating(count: int) -> str:
    """A straight conductor of 90 um with ``count`` annealed layers of 20 um in all between hard ones."""
    soft, hard = 20.0 / count, 70.0 / (count + 1)
    entries = [(hard, 50.0, 0.0, HARD)]
    for _ in range(count):
        entries += [(soft, 50.0, 0.0, SOFT["nickel in resin, 20 %"]), (hard, 50.0, 0.0, HARD)]
    return layers(entries)


def _claims(result: Result) -> str:
    return ", ".join(str(n) for n, holds in result.claims.items() if holds) or "none"


def _cells(result: Result, root: str, length: float = 5.0) -> list[str]:
    if not result.has(root):
        return ["-", "-", "-"]
    a = result.at(root, length)
    return [value(a.peel, a.peel_error), value(a.shear, a.shear_error), value(a.von_mises, a.von_mises_error)]


def _joints(result: Result) -> str:
    """The largest von Mises average over the joints."""
    found = [a for a in result.averages if a.root != "foot" and a.length == 5.0]
    top = max(found, key=lambda a: a.von_mises)
    return f"{value(top.von_mises, top.von_mises_error)} ({top.root})"


HEAD = ["peel", "shear", "von Mises", "peel, 1 um", "largest joint, von Mises"]


def _tables(solved: list[list[tuple[object, ...]]]) -> list[str]:
    places, stiff, shared, shapes, offsets = solved

    def rows(group: list[tuple[object, ...]], names: list[str], label) -> str:  # type: ignore[no-untyped-def]
        body = []
        for entry in group:
            result = entry[-1]
            assert isinstance(result, Result)
            body.append(
                [
                    *label(entry),
                    _claims(result),
                    *_cells(result, "foot"),
                    _cells(result, "foot", 1.0)[0],
                    _joints(result),
                ]
            )
        return table([[*names, "claims that hold", *HEAD], *body])

    def inlay(entry: tuple[object, ...]) -> str:
        return "nickel in resin" if "composite" in str(entry[1]) else "annealed copper"

    return [
        "\n## Numbers\n\nAverages over 5 um (one column: 1 um) in MPa at the outer wall, with their error estimates.",
        "\n**The softer layer's place and material** (straight, radius 50 um, layers of 35, 20, 35 um)\n\n"
        + rows(places, ["softer layer", "place"], lambda e: [e[0], PLACES[e[1]]]),
        "\n**The softer layer's modulus** (as above; hard copper in everything but modulus and hardness)\n\n"
        + rows(stiff, ["place", "modulus (GPa)"], lambda e: [PLACES[e[1]], f"{e[0]:g}"]),
        "\n**The softer layers' count** (20 um of nickel in resin in all, between hard copper of equal thickness)\n\n"
        + rows(shared, ["softer layers"], lambda e: [e[0]]),
        "\n**Stepped against straight** (axisymmetric; softer layer in the middle)\n\n"
        + rows(shapes, ["radii (um), from the chip outward", "softer layer"], lambda e: [e[0], inlay(e)]),
        "\n**Staggered by an offset** (generalised plane strain: a wall, not a post; softer layer in the "
        "middle; the right wall)\n\n" + rows(offsets, ["offsets (um)", "softer layer"], lambda e: [e[0], inlay(e)]),
    ]


def _figure(path, solved) -> None:  # type: ignore[no-untyped-def]
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    places, stiff, shared, shapes, _ = solved
    figure = Figure(figsize=(11, 6.6), layout="constrained")
    FigureCanvasAgg(figure)
    a, b, c, d = figure.subplots(2, 2).ravel()
    names = list(dict.fromkeys(name for name, _, _ in places))
    for place in range(3):
        some = [r.at("foot") for _, p, r in places if p == place]
        at = [i + 0.27 * (place - 1) for i in range(len(names))]
        a.bar(at, [x.von_mises for x in some], 0.25, label=f"softer layer: {PLACES[place]}")
    a.set_xticks(
        range(len(names)),
        [n.replace(" (", "\n(").replace("nickel in", "nickel\nin").replace("filled ", "filled\n") for n in names],
        fontsize=7,
    )
    a.set_title("foot, von Mises over 5 um (MPa)", fontsize=9)
    for place in range(3):
        some = [(e, r) for e, p, r in stiff if p == place]
        b.plot(
            [e for e, _ in some],
            [r.at("foot").von_mises for _, r in some],
            "o-",
            label=f"foot; softer layer at the {PLACES[place]}",
        )
        joints = [max(x.von_mises for x in r.averages if x.root != "foot" and x.length == 5.0) for _, r in some]
        b.plot(
            [e for e, _ in some],
            joints,
            "x--",
            color=b.lines[-1].get_color(),
            label=f"worst joint; at the {PLACES[place]}",
        )
    b.set_xscale("log")
    b.set_xlabel("modulus of the softer layer (GPa)", fontsize=8)
    b.set_title("von Mises over 5 um (MPa), CTE of copper kept", fontsize=9)
    c.plot([n for n, _ in shared], [r.at("foot").von_mises for _, r in shared], "o-", label="foot")
    worst_joint = [max(x.von_mises for x in r.averages if x.root != "foot" and x.length == 5.0) for _, r in shared]
    c.plot([n for n, _ in shared], worst_joint, "x--", label="worst joint")
    c.set_xlabel("number of softer layers, 20 um in all", fontsize=8)
    c.set_title("von Mises over 5 um (MPa), nickel in resin", fontsize=9)
    shown = list(dict.fromkeys(n for n, _, _ in shapes))
    for k, (key, label) in enumerate((("copper", "annealed copper"), ("composite", "nickel in resin"))):
        some = {n: r for n, m, r in shapes if ("composite" in m) == (key == "composite")}
        at = [i + 0.2 * (2 * k - 1) for i in range(len(some))]
        d.bar(at, [r.at("foot").von_mises for r in some.values()], 0.38, label=f"foot, {label}")
    d.set_xticks(range(len(shown)), [n.replace(" ", "\n") for n in shown], fontsize=7)
    d.set_title("foot, von Mises over 5 um (MPa)", fontsize=9)
    for ax in (a, d):
        ax.set_ylim(0, 1.3 * ax.get_ylim()[1])
    for ax in (a, b, c, d):
        ax.tick_params(labelsize=8)
        ax.legend(fontsize=7, ncols=3 if ax is a else 1)
    figure.savefig(path, dpi=100, metadata={"Software": "femsim"})


if __name__ == "__main__":
    main()
