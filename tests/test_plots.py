"""Figures: axes with units, equal aspect, jumps at interfaces drawn as they are, no cell hidden that could be seen."""

from __future__ import annotations

import io
import warnings
from dataclasses import replace
from xml.etree import ElementTree

import matplotlib
import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from spheres import sphere_mesh

from femsim.cases.stacks.bilayer import BilayerCase
from femsim.cases.stacks.blocks import BlocksCase
from femsim.measures.stress import nodal_stress
from femsim.reports import plots
from femsim.reports.plots.cells import CellField, MeshEdges
from femsim.reports.plots.fields import components, stress_field
from femsim.reports.plots.figures import draw as draw_page
from femsim.reports.plots.figures import render
from femsim.reports.plots.layout import layout_figure
from femsim.reports.plots.look import limits, round_125, weighted_percentiles
from femsim.reports.plots.mesh import mesh_figure
from femsim.reports.plots.outlines import mesh_outlines
from femsim.reports.plots.panels import LEGIBLE, windows
from femsim.reports.plots.picture import picture
from femsim.reports.plots.plates import plates, root_stem
from femsim.reports.plots.raster import rasterise, visible
from femsim.reports.plots.scene import scene
from femsim.reports.plots.style import new_figure
from femsim.reports.plots.tractions import interface_tractions, power_law
from femsim.runs.run import Run, mesh_only, run

NAME = "post <b>$x_1$</b>"


def bilayer(**geometry: float) -> BilayerCase:
    return BilayerCase.model_validate(
        {
            "name": "coarse",
            "stack": "bilayer",
            "geometry": geometry,
            "materials": {
                "pad": "aluminium",
                "post": "copper",
                "low": "polyimide",
                "high": "epoxy-high-elastic",
                "ball": "sac305",
            },
            "mesh": {"size": 0.1, "growth": 2.0},
            "metrics": {"length": 5.0},
        }
    )


def films() -> BlocksCase:
    """Thin films under a conductor in a plane model, with names that are neither HTML nor formulas."""
    return BlocksCase.model_validate(
        {
            "name": "films",
            "stack": "blocks",
            "load": {"stress_free_temperature": 150.0, "temperature": 25.0},
            "model": {"kinematics": "plane-strain", "element": "quad8"},
            "block": [
                {"name": "chip", "x": [-100.0, 100.0], "y": [-300.0, 0.0], "material": "silicon"},
                {"name": "film", "x": [-100.0, 100.0], "y": [0.0, 1.0], "material": "silicon-dioxide"},
                {"name": "_resin", "x": [-100.0, 100.0], "y": [1.0, 30.0], "material": "polyimide"},
                {"name": NAME, "x": [-20.0, 20.0], "y": [1.0, 30.0], "material": "copper"},
            ],
            "root": [{"name": "right", "at": [20.0, 1.0], "region": NAME}],
            "boundary": [{"point": [-100.0, -300.0], "u_x": 0.0, "u_y": 0.0}, {"point": [100.0, -300.0], "u_y": 0.0}],
            "mesh": {"size": 0.1, "growth": 2.0},
            "metrics": {"length": 2.0},
        }
    )


@pytest.fixture(scope="module")
def solved() -> Run:
    return run(bilayer())


@pytest.fixture(scope="module")
def plane() -> Run:
    return run(films())


def draw(ax: Axes) -> np.ndarray:
    """Pixels of the figure an axes belongs to."""
    canvas = FigureCanvasAgg(ax.get_figure(root=True))
    canvas.draw()
    return np.asarray(canvas.buffer_rgba())[..., :3]


def drawn(ax: Axes) -> CellField:
    return next(artist for artist in ax.collections if isinstance(artist, CellField))


GEOMETRIC = {
    "layout": lambda r: plots.plot_layout(r),
    "mesh": lambda r: plots.plot_mesh(r),
    "quality": lambda r: plots.plot_quality(r),
    "deformed": lambda r: plots.plot_deformed(r, r.solution.model.kinematics.components[0]),
    "temperature": lambda r: plots.plot_temperature(r),
    "root": lambda r: plots.plot_root(r, r.discretisation.roots[0]),
}


@pytest.mark.parametrize("name", GEOMETRIC)
@pytest.mark.parametrize("which", ["solved", "plane"])
def test_pictures_of_a_body_have_equal_aspect_and_units(name, which, request):
    result = request.getfixturevalue(which)
    ax = GEOMETRIC[name](result)
    assert isinstance(ax, Axes)
    first, second = result.solution.model.kinematics.axes
    assert (ax.get_xlabel(), ax.get_ylabel()) == (f"{first} (µm)", f"{second} (µm)")
    assert ax.get_aspect() == 1.0
    draw(ax)
    scale = ax.transData.transform([(0.0, 0.0), (1.0, 1.0)])
    assert abs(scale[1, 0] - scale[0, 0]) == pytest.approx(abs(scale[1, 1] - scale[0, 1]))


@pytest.mark.parametrize("plot", [plots.plot_interface, plots.plot_power_law])
def test_pictures_of_tractions_name_their_units(solved, plot):
    ax = plot(solved, "post_root")
    assert "(µm)" in ax.get_xlabel()
    assert "(MPa)" in ax.get_ylabel()
    assert ax.get_xscale() == "log"
    assert "average" not in ax.get_ylabel()


def test_plots_draw_on_the_axes_given(solved):
    ax = new_figure(4, 4).add_subplot()
    assert plots.plot_deformed(solved, "zz", ax) is ax
    assert ax.collections


def test_stress_colour_bars_name_unit_and_clipping(solved):
    for component in components(solved):
        ax = plots.plot_deformed(solved, component)
        figure = ax.get_figure(root=True)
        label = figure.axes[-1].get_ylabel()
        assert "(MPa)" in label
        assert "clipped" in label
        low, high = drawn(ax).get_clim()
        assert (low == 0.0) if component == "von_mises" else (low == -high)
        assert figure.axes[-1]._colorbar.extend == ("max" if component == "von_mises" else "both")


def test_nothing_is_averaged_over_an_interface(solved):
    """Two cells that share an edge across an interface keep different values there, as the solution has them; the cells
    of one region share theirs.
    """
    field = drawn(plots.plot_deformed(solved, "rr"))
    values, mesh = np.asarray(field.get_array()), solved.solution.model.mesh
    assert values.shape == mesh.cells.shape
    assert np.array_equal(values, stress_field(solved, "rr"))
    at = np.flatnonzero(
        np.all(np.isclose(mesh.points, [25.0, 0.0], atol=5.0) & [True, True], axis=1) & (mesh.points[:, 1] == 0.0)
    )
    at = np.intersect1d(at, mesh.cells[:, :4])
    node = at[np.argmin(np.abs(mesh.points[at, 0] - 25.0))]
    cell, place = np.nonzero(mesh.cells == node)
    by_region = {mesh.regions[mesh.region[c]]: values[c, k] for c, k in zip(cell, place, strict=True)}
    assert set(by_region) == {"chip", "post"}
    assert by_region["post"] > 100.0
    assert by_region["chip"] < -50.0
    raw = nodal_stress(solved.solution.field)[..., 0]
    for name, value in by_region.items():
        mine = mesh.region[cell] == mesh.regions.index(name)
        assert value == pytest.approx(raw[cell, place][mine].mean(), rel=1e-12)
    assert np.ptp(raw[cell, place][mesh.region[cell] == mesh.regions.index("post")]) > 0.0


def test_the_jump_is_seen_in_the_pixels(solved):
    """Just above the interface the picture has the post's colour, just below it the chip's; nothing lies between."""
    ax = new_figure(5, 5).add_subplot()
    plots.plot_root(solved, "post_root", ax, "rr", window=(20.0, 40.0, -10.0, 10.0))
    for line in list(ax.collections):
        if not isinstance(line, CellField):
            line.remove()
    pixels = draw(ax)
    norm, cmap = drawn(ax).norm, drawn(ax).cmap
    found = []
    for z in (2.0, -2.0):
        x, y = ax.transData.transform((30.0, z))
        found.append(pixels[len(pixels) - 1 - int(y), int(x)])
    assert norm.vmin is not None
    assert found[0][0] > found[0][2]  # tension is red
    assert found[1][2] > found[1][0]  # compression is blue
    x, y0 = ax.transData.transform((30.0, -0.6))
    _, y1 = ax.transData.transform((30.0, 0.6))
    column = pixels[len(pixels) - 1 - int(y1) : len(pixels) - int(y0), int(x)].astype(int)
    white = (np.abs(column - np.array(cmap(0.5)[:3]) * 255).max(axis=1) < 12).sum()
    assert white <= 1


def test_no_visible_cell_is_left_out(solved):
    """All pixels inside the body are painted, although most of the cells are smaller than a pixel."""
    mesh = solved.solution.model.mesh
    fine = mesh_only(
        bilayer().model_copy(update={"mesh": bilayer().mesh.model_copy(update={"size": 1e-4, "growth": 1.2})})
    ).mesh
    for body in (mesh, fine):
        ax = new_figure(3, 6).add_subplot()
        ax.set_axis_off()
        field = CellField(
            body.points, body.cells, body.element, values=np.ones(len(body.cells)), cmap="binary", clim=(0.0, 1.0)
        )
        ax.add_collection(field)
        ax.set_xlim(-5, 155)
        ax.set_ylim(-305, 95)
        pixels = draw(ax)
        (x0, y0), (x1, y1) = ax.transData.transform([(0.0, -300.0), (150.0, 90.0)])
        inside = pixels[len(pixels) - int(y1) + 2 : len(pixels) - int(y0) - 2, int(x0) + 2 : int(x1) - 2]
        assert inside.size > 10000
        assert inside.max() < 60
    shown = visible(field.get_transform().transform(field.points), field.cells, 450, 900)
    assert len(shown) < 0.6 * len(fine.cells)


@pytest.mark.parametrize("element", ["quad4", "quad8", "quad9", "tri3", "tri6"])
def test_a_raster_finds_the_cell_and_the_place_of_every_pixel(element):
    """A field that the elements can hold is found exactly at the middles of the pixels, also in bent cells; no pixel of
    the body is left out, none beside it is hit.
    """
    mesh = sphere_mesh((30.0, 50.0), 3, element)
    pixels = mesh.points + 1.3
    raster = rasterise(pixels, mesh.cells, element, 56, 54)
    x, y = raster.pixel % raster.width + 0.5, raster.pixel // raster.width + 0.5
    at = np.stack([raster.values(pixels[mesh.cells][..., k]) for k in (0, 1)], axis=1)
    assert np.abs(at - np.column_stack([x, y])).max() < 0.5
    rest = np.setdiff1d(np.arange(raster.width * raster.height), raster.pixel)
    radius = np.hypot(rest % raster.width - 0.8, rest // raster.width - 0.8)
    body = (radius > 31.0) & (radius < 49.0) & (rest % raster.width > 1) & (rest // raster.width > 1)
    assert np.count_nonzero(body) == 0 or mesh.info.order == 1
    assert len(np.unique(raster.pixel)) == len(raster.pixel)


def test_edges_on_the_same_pixels_are_drawn_once(solved):
    ax = plots.plot_mesh(solved)
    edges = next(artist for artist in ax.collections if isinstance(artist, MeshEdges))
    draw(ax)
    drawn = sum(int(np.sum(path.codes == path.MOVETO)) for path in edges.get_paths())
    assert 0 < drawn < len(edges.segments)
    assert max(len(path.vertices) for path in edges.get_paths()) < 1024, "lines would be blurred"
    assert edges.get_rasterized()


def test_interface_tractions_agree_on_both_sides_away_from_the_root(solved):
    inner, outer = (interface_tractions(solved, "post_root", other=other) for other in (False, True))
    assert inner is not None
    assert outer is not None
    assert inner.regions == ("post",)
    assert outer.regions == ("chip",)
    assert np.all(np.diff(inner.distance[:, 0]) > 0)
    assert np.allclose(inner.distance, outer.distance)
    far = inner.distance[:, 2] > 5.0
    assert np.allclose(inner.peel[far, 2], outer.peel[far, 2], atol=5.0)


def test_averages_are_drawn_at_their_values(solved):
    ax = plots.plot_interface(solved, "post_root")
    metric = solved.roots[0]
    levels = [
        line.get_ydata()[0]
        for line in ax.lines
        if len(line.get_ydata()) == 2 and line.get_ydata()[0] == line.get_ydata()[1]
    ]
    assert any(abs(y - metric.peel) < 1e-9 for y in levels)
    assert any(abs(y - metric.shear) < 1e-9 for y in levels)
    text = " ".join(note.get_text() for note in ax.texts)
    assert f"{metric.peel:.1f} MPa".replace("-", "\u2212") in text


def test_a_singular_field_is_said_to_have_no_peak(solved):
    ax = plots.plot_power_law(solved, "post_root")
    assert any("no finite value" in note.get_text() for note in ax.texts)


def test_power_law_of_a_made_up_field():
    d = np.geomspace(1e-3, 10.0, 60)[:, None] * np.linspace(1.0, 1.1, 5)
    side = interface_side(d, 7.0 * d**-0.42 - 30.0, -3.0 * d**-0.42 + 4.0)
    law = power_law(side, 5.0)
    assert law is not None
    assert law.exponent == pytest.approx(-0.42, abs=0.006)
    assert power_law(interface_side(d, 3.0 + np.sin(40 * d), np.cos(37 * d)), 5.0) is None


def interface_side(d, peel, shear):
    from femsim.reports.plots.tractions import Side

    return Side(("post",), d, peel, shear)


def test_layout_says_materials_dimensions_and_supports(solved):
    figure = layout_figure(solved)
    said = "\n".join(text.get_text() for ax in figure.axes for text in ax.texts)
    said += "\n" + "\n".join(text.get_text() for text in figure.texts)
    for word in (
        "chip",
        "post",
        "low",
        "high",
        "copper",
        "E 120 GPa",
        "ppm/K",
        "post_root",
        "held at (0, -300): u_z = 0",
        "coupled",
    ):
        assert word in said, word
    for dimension in solved.discretisation.layout.dimensions:
        value = np.hypot(*(np.array(dimension.end) - np.array(dimension.start)))
        assert f"{dimension.key.replace('_', ' ')}" in said.replace("\n", " ")
        assert f"{value:g} µm" in said


@pytest.mark.parametrize(
    "geometry",
    [
        {},
        {"slope_height": 9.0, "slope_width": 30.0},
        {"pad_thickness": 1.0, "pad_radius": 60.0},
        {"ball_height": 40.0, "slope_height": 9.0, "slope_width": 20.0, "pad_thickness": 5.0, "pad_radius": 55.0},
    ],
)
def test_no_texts_of_a_layout_overlap(geometry):
    figure = layout_figure(mesh_only(bilayer(**geometry)))
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    for ax in figure.axes:
        boxes = [(t.get_text(), t.get_window_extent(canvas.get_renderer())) for t in ax.texts if t.get_text()]
        for i, (name, a) in enumerate(boxes):
            assert a.x0 >= 0
            assert a.x1 <= figure.bbox.x1
            for other, b in boxes[i + 1 :]:
                wide, tall = min(a.x1, b.x1) - max(a.x0, b.x0), min(a.y1, b.y1) - max(a.y0, b.y0)
                assert wide <= 1 or tall <= 3, (name, other)


def test_thin_layers_get_a_panel_that_shows_them(plane):
    panels = windows(picture(plane))
    assert len(panels) > 1
    last = panels[-1]
    assert last[2] <= 0.0 <= 1.0 <= last[3]
    assert LEGIBLE * max(last[1] - last[0], last[3] - last[2]) <= 1.0


def test_bends_are_drawn_bent():
    disc = mesh_only(bilayer(slope_height=9.0, slope_width=30.0))
    lines = np.concatenate(mesh_outlines(disc.mesh))
    assert np.any(np.all(np.isclose(lines, [50.0, 81.0]), axis=1))
    ax = plots.plot_layout(disc)
    segments = np.concatenate([s for c in ax.collections if hasattr(c, "get_segments") for s in c.get_segments()])
    assert np.any(np.all(np.isclose(segments, [50.0, 81.0]), axis=1))


def test_layout_mesh_and_discretisation_can_be_drawn_alone():
    disc = mesh_only(bilayer())
    for result in (disc, disc.layout, disc.mesh):
        assert plots.plot_layout(result).get_xlabel() == "r (µm)"
    for result in (disc, disc.mesh):
        assert plots.plot_mesh(result).get_ylabel() == "z (µm)"
    assert len(mesh_figure(disc).axes) == 2


def test_words_of_users_are_shown_as_they_are(plane):
    """Dollar signs are no formulas, an underscore does not hide a legend's entry."""
    figure = layout_figure(plane)
    labels = [text.get_text() for text in figure.texts]
    assert any(NAME in label for label in labels)
    assert any("_resin" in label for label in labels)
    svg = render(figure, "svg").decode()
    assert "<b>" not in svg
    ElementTree.fromstring(svg)


def test_all_plates_of_a_run_can_be_png_and_svg(plane):
    names = []
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for plate in plates(plane):
            figure = draw_page(plate.page)
            png, svg = render(figure, "png"), render(figure, "svg")
            assert png.startswith(b"\x89PNG")
            assert ElementTree.parse(io.BytesIO(svg)).getroot().tag.endswith("svg")
            assert len(svg) < 1_500_000
            assert plate.caption.endswith(".")
            names.append(plate.name)
    assert names == ["layout", "mesh", "stress", "root_right", "interface_right"]


def test_global_settings_of_matplotlib_are_left_alone(solved):
    before = dict(matplotlib.rcParams)
    for plate in plates(solved):
        draw_page(plate.page)
    assert dict(matplotlib.rcParams) == before


def test_roots_of_one_name_get_figures_of_their_own(solved):
    root = solved.discretisation.roots[0]
    twin = replace(root, at=(root.at[0], root.at[1]), width=root.width - 1)
    twice = replace(solved, discretisation=replace(solved.discretisation, roots=(root, twin)))
    names = [plate.name for plate in plates(twice)]
    assert len(set(names)) == len(names)
    assert root_stem([replace(root, name="../up"), root], 0) == "0"


def test_numbers_behind_the_colours():
    assert [round_125(v) for v in (1.0, 1.9, 2.0, 4.99, 73.0, 0.007)] == pytest.approx(
        [1.0, 1.0, 2.0, 2.0, 50.0, 0.005]
    )
    values, weights = np.array([3.0, 1.0, 1000.0]), np.array([1.0, 98.5, 0.5])
    assert weighted_percentiles(values, weights, (1.0, 99.0)).tolist() == [1.0, 3.0]
    assert limits(np.array([[-4.0, 2.0], [1.0, 1.0]]), np.array([1.0, 1.0]), signed=True) == (-4.0, 4.0)
    assert limits(np.zeros((2, 4)), np.ones(2), signed=False) == (0.0, 1.0)


def test_deformation_scale_is_round_and_visible(solved):
    scale = scene(solved).scale
    assert round_125(scale) == pytest.approx(scale)
    largest = scale * np.linalg.norm(solved.solution.displacement, axis=1).max()
    assert 0.02 * 390 < largest < 0.09 * 390
    assert f"x {scale:g}" in plots.plot_deformed(solved, "zz").get_title()
