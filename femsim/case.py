"""What a case file may say: frozen pydantic models, one per stack, with every key, default and limit.

Lengths in um, moduli in GPa, expansion coefficients in ppm/K, temperatures in degC, stresses in MPa.
Nothing here knows a mesh; :mod:`femsim.casefile` reads and writes the files and words the errors.
"""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Literal, TypeAlias

from pydantic import Field, TypeAdapter, field_validator, model_validator

from femsim.geometry import BilayerGeometry, FlipchipGeometry, LayerSpecGeometry, RewiredChipGeometry, StaggeredGeometry, check_layers
from femsim.strict import Coordinate, Positive, Strict
from femsim.trust import CornerSpec, CrackSpec, Refinement

_MIN_MODULUS, _MAX_MODULUS = 1.0e-10, 1.0e5  # GPa: a millionth of a gel, eighty times diamond
_MAX_CTE = 1.0e4  # ppm/K
Traction = Annotated[float, Field(ge=-1.0e7, le=1.0e7)]
Celsius = Annotated[float, Field(ge=-273.15, le=4000)]
Kinematics: TypeAlias = Literal["axisymmetric", "plane-strain", "generalized-plane-strain", "plane-stress"]
ElementName: TypeAlias = Literal["quad4", "quad8", "quad9", "tri3", "tri6"]
Outer: TypeAlias = Literal["free", "fixed", "coupled"]


# ---------------------------------------------------------------- materials


class Table(Strict):
    """A property tabulated over temperature: linear in between, and a warning (constant) outside."""

    T: list[Celsius] = Field(min_length=1)
    value: list[float] = Field(min_length=1)

    @model_validator(mode="after")
    def _ascending(self) -> Table:
        if len(self.T) != len(self.value):
            raise ValueError(f"T has {len(self.T)} entries, value has {len(self.value)}")
        if any(b <= a for a, b in zip(self.T, self.T[1:], strict=False)):
            raise ValueError("T must ascend")
        return self


Quantity: TypeAlias = float | Table | list[float | Table]


class Expansion(Strict):
    """Expansion coefficient that says what it is: secant from a reference temperature, or instantaneous."""

    secant: Quantity | None = None
    instantaneous: Quantity | None = None
    reference: Celsius | None = None

    @model_validator(mode="after")
    def _one_kind(self) -> Expansion:
        if (self.secant is None) == (self.instantaneous is None):
            raise ValueError("give either secant or instantaneous")
        if self.reference is not None and self.instantaneous is not None:
            raise ValueError("reference goes with secant, not with instantaneous")
        entries = self.secant if isinstance(self.secant, list) else [self.secant]
        if self.reference is None and any(isinstance(entry, Table) for entry in entries):
            raise ValueError("a secant table needs its reference temperature")
        return self


class MaterialSpec(Strict):
    """An inline material, or a library entry with overrides (``like``), as a case file writes it."""

    like: str | None = None
    E: Quantity | None = Field(default=None, description="Young's modulus, GPa")
    nu: Quantity | None = Field(default=None, description="Poisson ratio; a list is ordered 12, 13, 23")
    G: Quantity | None = Field(default=None, description="shear modulus, GPa, ordered 12, 13, 23")
    cte: float | list[float] | Expansion | None = Field(default=None, description="expansion coefficient, ppm/K")
    angle: float = Field(default=0.0, ge=-360, le=360, description="degrees, in the r-z or x-y plane")
    hardness: Annotated[float, Field(gt=0)] | None = Field(default=None, description="Vickers hardness, HV")
    yield_: Annotated[float, Field(gt=0)] | None = Field(default=None, alias="yield", description="yield strength, MPa")
    family: str | None = None

    @model_validator(mode="after")
    def _possible(self) -> MaterialSpec:
        for key in ("E", "G"):
            for number in _numbers(getattr(self, key)):
                if not _MIN_MODULUS <= number <= _MAX_MODULUS:
                    limit = "> 0" if number <= 0 else f"<= {_MAX_MODULUS:g}" if number > 1 else f">= {_MIN_MODULUS:g}"
                    raise ValueError(f"{key}: {number:g} is not {limit}")
        if self.G is None and not isinstance(self.nu, list):
            for number in _numbers(self.nu):
                if not -1 < number < 0.5:
                    raise ValueError(f"nu: {number:g} is not between -1 and 0.5 (both excluded)")
        for number in _numbers(self.cte):
            if not abs(number) <= _MAX_CTE:
                raise ValueError(f"cte: {number:g} is not between {-_MAX_CTE:g} and {_MAX_CTE:g}")
        return self


def _numbers(value: Quantity | list[float] | Expansion | None) -> list[float]:
    """All values of a property, those of its tables too."""
    if isinstance(value, Expansion):
        return _numbers(value.secant) + _numbers(value.instantaneous)
    if isinstance(value, Table):
        return list(value.value)
    if isinstance(value, list):
        return [number for entry in value for number in _numbers(entry)]
    return [] if value is None else [value]


class CompositeLayer(Strict):
    """One layer of a laminate."""

    material: MaterialRef
    thickness: Positive


class CompositeSpec(Strict):
    """An inline material made of others: particles in a matrix, bounds for them, coated particles, or a stack of layers.

    ``fraction`` is the particles' share of the volume (of coated particles: with their coating). Layers lie normal to axis 3.
    """

    composite: Literal["mori-tanaka", "hashin-shtrikman-lower", "hashin-shtrikman-upper", "coated-spheres", "laminate"]
    matrix: MaterialRef | None = None
    particles: MaterialRef | None = None
    fraction: Annotated[float, Field(ge=0, le=1)] | None = Field(default=None, description="by volume")
    coating: MaterialRef | None = Field(default=None, description="of the particles (coated-spheres)")
    core_radius: Positive | None = Field(default=None, description="of a coated particle, um")
    coating_thickness: Positive | None = Field(default=None, description="um")
    layers: list[CompositeLayer] | None = Field(default=None, description="of a laminate")
    angle: float = Field(default=0.0, ge=-360, le=360)
    hardness: Annotated[float, Field(gt=0)] | None = Field(default=None, description="Vickers hardness, HV; not computed")
    yield_: Annotated[float, Field(gt=0)] | None = Field(default=None, alias="yield", description="yield strength, MPa; not computed")
    family: str | None = None

    @model_validator(mode="after")
    def _whole(self) -> CompositeSpec:
        wanted = {
            "laminate": ("layers",),
            "coated-spheres": ("matrix", "particles", "fraction", "coating", "core_radius", "coating_thickness"),
        }
        needed = wanted.get(self.composite, ("matrix", "particles", "fraction"))
        known = ("matrix", "particles", "fraction", "coating", "core_radius", "coating_thickness", "layers")
        for key in needed:
            if getattr(self, key) is None:
                raise ValueError(f"{key}: missing; a {self.composite} composite needs {', '.join(needed)}")
        for key in known:
            if key not in needed and getattr(self, key) is not None:
                raise ValueError(f"{key}: not a key of a {self.composite} composite, which takes {', '.join(needed)}")
        return self


MaterialRef: TypeAlias = Annotated[str, Field(min_length=1)] | MaterialSpec | CompositeSpec
Materials: TypeAlias = dict[str, MaterialRef]

# ---------------------------------------------------------------- load, model, mesh, metrics


class PointData(Strict):
    """A temperature field taken from an imported mesh's point data (degC)."""

    point_data: str = Field(min_length=1)


class Load(Strict):
    """A change of temperature from the stress-free one."""

    stress_free_temperature: Celsius = Field(default=150.0, description="degC")
    temperature: Celsius | PointData = Field(default=25.0, description="degC, or { point_data = NAME } for a field of a mesh file")


class ModelSpec(Strict):
    """Kinematics, cell wall and element."""

    kinematics: Kinematics = "axisymmetric"
    outer: Outer = "coupled"
    element: ElementName = "quad9"


class OwnModelSpec(ModelSpec):
    """As ModelSpec; a whole package or a user's own body has no cell wall unless it says so."""

    outer: Outer = "free"


class MeshSpec(Refinement):
    """Element size at the roots and its growth away from them."""

    size: Annotated[float, Field(ge=1.0e-7, le=1.0e4)] = Field(default=1.0e-3, description="element size at the roots, um")
    growth: Annotated[float, Field(ge=1.05, le=4)] = Field(default=1.3, description="ratio of neighbouring elements away from the roots")
    largest: Annotated[float, Field(gt=0, le=1.0e6)] | None = Field(default=None, description="largest element, um (default: none)")


class MeshFileSpec(Refinement):
    """A mesh file of the user's."""

    file: str = Field(min_length=1, description="path, relative to the case file; anything meshio reads")
    length_unit: Literal["nm", "um", "mm", "cm", "m", "inch"] = "um"


class MetricsSpec(Strict):
    """Averaging lengths at the roots."""

    length: Positive | list[Positive] | None = Field(default=None, description="averaging length(s) at the roots, um (default 5 and 1)")

    @field_validator("length")
    @classmethod
    def _distinct(cls, value: float | list[float] | None) -> float | list[float] | None:
        if isinstance(value, list) and (not value or len(set(value)) != len(value)):
            raise ValueError("give at least one length, each once")
        return value


class Probe(Strict):
    """A point whose displacement and stress are reported."""

    name: str = Field(min_length=1)
    at: tuple[Coordinate, Coordinate]
    region: str | None = Field(default=None, description="which side, where the point lies on an interface")

    @field_validator("at", mode="before")
    @classmethod
    def _as_tuple(cls, value: Any) -> Any:
        return tuple(value) if isinstance(value, list) else value


class Boundary(Strict):
    """A boundary condition: where (exactly one of on, r, z, x, y, point), and what (displacement, pressure, traction)."""

    on: str | None = Field(default=None, description="a named line")
    r: Coordinate | None = None
    z: Coordinate | None = None
    x: Coordinate | None = None
    y: Coordinate | None = None
    point: tuple[Coordinate, Coordinate] | None = None
    u_r: Coordinate | None = Field(default=None, description="um")
    u_z: Coordinate | None = Field(default=None, description="um")
    u_x: Coordinate | None = Field(default=None, description="um")
    u_y: Coordinate | None = Field(default=None, description="um")
    pressure: Traction | None = Field(default=None, description="MPa, positive pushes onto the body")
    traction: tuple[Traction, Traction] | None = Field(default=None, description="MPa")

    @field_validator("point", "traction", mode="before")
    @classmethod
    def _as_tuple(cls, value: Any) -> Any:
        return tuple(value) if isinstance(value, list) else value

    @model_validator(mode="after")
    def _where_and_what(self) -> Boundary:
        where = [key for key in ("on", "r", "z", "x", "y", "point") if getattr(self, key) is not None]
        what = [key for key in ("u_r", "u_z", "u_x", "u_y", "pressure", "traction") if getattr(self, key) is not None]
        if len(where) != 1:
            raise ValueError(f"give exactly one of on, r, z, x, y, point (given: {', '.join(where) or 'none'})")
        if not what:
            raise ValueError("give at least one of u_r, u_z, u_x, u_y, pressure, traction")
        if where == ["point"] and ("pressure" in what or "traction" in what):
            raise ValueError("a point cannot carry a pressure or a traction; give a line")
        return self


# ---------------------------------------------------------------- the case, one model per stack


class CaseBase(Strict):
    """What every case has. ``ROLES`` are the roles its materials may name, ``STANDARD`` those it takes where the case gives none."""

    ROLES: ClassVar[tuple[str, ...]] = ()
    STANDARD: ClassVar[dict[str, str]] = {}

    name: str = Field(default="", description="defaults to the file's stem")
    materials: Materials = Field(default_factory=dict)
    load: Load = Field(default_factory=Load)
    model: ModelSpec = Field(default_factory=ModelSpec)
    mesh: MeshSpec = Field(default_factory=MeshSpec)
    metrics: MetricsSpec = Field(default_factory=MetricsSpec)
    probe: list[Probe] = Field(default_factory=list)
    boundary: list[Boundary] = Field(default_factory=list)
    crack: list[CrackSpec] = Field(default_factory=list)
    corner: list[CornerSpec] = Field(default_factory=list)

    def needed_roles(self) -> tuple[str, ...]:
        """Roles whose material the case must give."""
        return ()

    @field_validator("probe")
    @classmethod
    def _distinct_names(cls, probes: list[Probe]) -> list[Probe]:
        names = [probe.name for probe in probes]
        for name in names:
            if names.count(name) > 1:
                raise ValueError(f"two probes are named {name!r}")
        return probes


class BilayerCase(CaseBase):
    """Stack ``bilayer``: the first seed."""

    ROLES: ClassVar[tuple[str, ...]] = ("chip", "pad", "post", "low", "high", "ball")
    STANDARD: ClassVar[dict[str, str]] = {"chip": "silicon"}
    stack: Literal["bilayer"]
    geometry: BilayerGeometry = Field(default_factory=BilayerGeometry)

    def needed_roles(self) -> tuple[str, ...]:
        """Post and resins; pad and ball where the geometry has them."""
        g = self.geometry
        return ("post", "low", "high", *(["pad"] if g.pad_thickness else []), *(["ball"] if g.ball_height else []))


class LayerSpec(LayerSpecGeometry):
    """One layer of a staggered conductor, from the chip outward."""

    material: MaterialRef


class StaggeredCase(CaseBase):
    """Stack ``staggered``: the second seed."""

    ROLES: ClassVar[tuple[str, ...]] = ("chip", "insulation")
    STANDARD: ClassVar[dict[str, str]] = {"chip": "silicon"}
    stack: Literal["staggered"]
    geometry: StaggeredGeometry = Field(default_factory=StaggeredGeometry)
    layer: list[LayerSpec] = Field(min_length=1)

    def needed_roles(self) -> tuple[str, ...]:
        """The insulating layer; each conductor layer names its own."""
        return ("insulation",)

    @model_validator(mode="after")
    def _stand(self) -> StaggeredCase:
        check_layers(list(self.layer), self.geometry.cell_radius, self.model.kinematics != "axisymmetric")
        height = sum(layer.thickness for layer in self.layer)
        insulation = self.geometry.insulation_thickness
        if insulation is not None and insulation > height:
            raise ValueError(
                f"geometry.insulation_thickness: {insulation:g} is not <= the sum of layer.thickness ({height:g}); "
                "the conductor reaches the outside surface of the insulation"
            )
        return self


class PackageMeshSpec(MeshSpec):
    """As MeshSpec; a package with many roots takes a coarser default."""

    size: Annotated[float, Field(ge=1.0e-7, le=1.0e4)] = Field(default=0.1, description="element size at the roots, um")
    growth: Annotated[float, Field(ge=1.05, le=4)] = Field(default=1.8, description="ratio of neighbouring elements")


class FlipchipCase(CaseBase):
    """Stack ``flipchip``: the third seed, claims 1 to 8."""

    ROLES: ClassVar[tuple[str, ...]] = (
        "first", "second", "member", "fill", "insulation", "rewiring", "resin", "terminal", "via", "heat_sink", "diffusion", "rear_film",
    )  # fmt: skip
    STANDARD: ClassVar[dict[str, str]] = {"first": "silicon", "second": "silicon"}
    stack: Literal["flipchip"]
    geometry: FlipchipGeometry = Field(default_factory=FlipchipGeometry)
    model: OwnModelSpec = Field(default_factory=OwnModelSpec)
    mesh: PackageMeshSpec = Field(default_factory=PackageMeshSpec)

    def needed_roles(self) -> tuple[str, ...]:
        """All roles the geometry builds."""
        g = self.geometry
        optional = {
            "via": g.via_ring,
            "heat_sink": g.heat_sink_radius,
            "diffusion": g.diffusion_thickness,
            "rear_film": g.rear_film_thickness,
        }
        built = ("member", "fill", "insulation", "rewiring", "resin", "terminal")
        return (*built, *(role for role, size in optional.items() if size > 0))


class RewiredChipCase(CaseBase):
    """Stack ``rewired-chip``: the third seed, claim 9."""

    ROLES: ClassVar[tuple[str, ...]] = ("chip", "insulation", "member", "diffusion")
    STANDARD: ClassVar[dict[str, str]] = {"chip": "silicon"}
    stack: Literal["rewired-chip"]
    geometry: RewiredChipGeometry = Field(default_factory=RewiredChipGeometry)

    def needed_roles(self) -> tuple[str, ...]:
        """Film and member; the diffusion film where there is one."""
        return ("insulation", "member", *(["diffusion"] if self.geometry.diffusion_thickness else []))


class BlockSpec(Strict):
    """One painted rectangle; ``r, z`` in axisymmetry, ``x, y`` in plane models."""

    name: str = Field(min_length=1)
    r: tuple[Coordinate, Coordinate] | None = None
    z: tuple[Coordinate, Coordinate] | None = None
    x: tuple[Coordinate, Coordinate] | None = None
    y: tuple[Coordinate, Coordinate] | None = None
    material: MaterialRef

    @field_validator("r", "z", "x", "y", mode="before")
    @classmethod
    def _as_tuple(cls, value: Any) -> Any:
        return tuple(value) if isinstance(value, list) else value

    @model_validator(mode="after")
    def _a_rectangle(self) -> BlockSpec:
        for key in ("r", "z", "x", "y"):
            side = getattr(self, key)
            if side is not None and side[1] <= side[0]:
                raise ValueError(f"{key}: [{side[0]:g}, {side[1]:g}] does not ascend")
        if (self.r is None) != (self.z is None) or (self.x is None) != (self.y is None):
            raise ValueError("give r and z, or x and y")
        if (self.r is None) == (self.x is None):
            raise ValueError("give r and z, or x and y (not both pairs)")
        if self.r is not None and self.r[0] < 0:
            raise ValueError(f"r: {self.r[0]:g} is not >= 0")
        return self


class RootSpec(Strict):
    """A root named by the user: a point, the conductor it belongs to, and which way the conductor lies from it."""

    name: str = Field(min_length=1)
    at: tuple[Coordinate, Coordinate]
    region: str = Field(min_length=1, description="the conductor")

    @field_validator("at", mode="before")
    @classmethod
    def _as_tuple(cls, value: Any) -> Any:
        return tuple(value) if isinstance(value, list) else value


class StatedLoad(Load):
    """A load whose temperatures must be stated: a user's own body has no reference defaults."""

    stress_free_temperature: Celsius = Field(description="degC")
    temperature: Celsius | PointData = Field(description="degC, or { point_data = NAME } for a field of a mesh file")


class BlocksCase(CaseBase):
    """Stack ``blocks``: rectangles painted by the user, later ones over earlier ones."""

    stack: Literal["blocks"]
    block: list[BlockSpec] = Field(min_length=1)
    root: list[RootSpec] = Field(default_factory=list)
    load: StatedLoad
    model: OwnModelSpec = Field(default_factory=OwnModelSpec)

    @model_validator(mode="after")
    def _alike(self) -> BlocksCase:
        names = [block.name for block in self.block]
        for name in names:
            if names.count(name) > 1:
                raise ValueError(f"two blocks are named {name!r}")
        axes = {"r" if block.r is not None else "x" for block in self.block}
        wanted = "r" if self.model.kinematics == "axisymmetric" else "x"
        if axes != {wanted}:
            pair = "r and z" if wanted == "r" else "x and y"
            raise ValueError(f"block: kinematics {self.model.kinematics} needs {pair} in every block")
        return self


class MeshCase(CaseBase):
    """Stack ``mesh``: a mesh file with named regions and lines."""

    stack: Literal["mesh"]
    mesh: MeshFileSpec  # type: ignore[assignment]
    root: list[RootSpec] = Field(default_factory=list)
    load: StatedLoad
    model: OwnModelSpec = Field(default_factory=OwnModelSpec)


Case: TypeAlias = BilayerCase | StaggeredCase | FlipchipCase | RewiredChipCase | BlocksCase | MeshCase
CASE_TYPES: dict[str, type[CaseBase]] = {
    "bilayer": BilayerCase,
    "staggered": StaggeredCase,
    "flipchip": FlipchipCase,
    "rewired-chip": RewiredChipCase,
    "blocks": BlocksCase,
    "mesh": MeshCase,
}


def case_schema() -> dict[str, Any]:
    """JSON Schema (2020-12) of all case files."""
    adapter: TypeAdapter[Case] = TypeAdapter(Annotated[Case, Field(discriminator="stack")])
    return adapter.json_schema()
