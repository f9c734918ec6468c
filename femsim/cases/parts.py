"""The parts that all cases share: load, model, mesh, metrics, probes, boundaries, roots, corners, cracks."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Literal, NamedTuple, Self, TypeAlias

from pydantic import BaseModel, Field, ValidationInfo, field_validator, model_validator

from femsim.cases.boundary import Body, Boundary
from femsim.cases.harmonic import Board, Harmonic
from femsim.cases.heat import Heat
from femsim.cases.keys import Celsius, Coordinate, Place, Positive, Strict, Vector
from femsim.cases.keys import PointData as PointData
from femsim.cases.material import MaterialRef, Materials
from femsim.cases.steps import CycleSpec, LifeSpec, StepSpec, end_temperature
from femsim.cases.trust import CornerSpec, CrackSpec, Refinement
from femsim.cases.uncertain import Scatter, by_dotted_key

Kinematics: TypeAlias = Literal["axisymmetric", "plane-strain", "generalized-plane-strain", "plane-stress", "3d"]


ElementName: TypeAlias = Literal[
    "quad4", "quad8", "quad9", "tri3", "tri6",
    "hex8", "hex20", "hex27", "tet4", "tet10", "wedge6", "wedge15", "wedge18",
]  # fmt: skip


Outer: TypeAlias = Literal["free", "fixed", "coupled", "straight", "periodic"]


#: one temperature, several one after the other, a field of a mesh file, or that of [heat]
Temperature: TypeAlias = (
    Celsius | Annotated[list[Celsius], Field(min_length=1, max_length=1000)] | PointData | Literal["heat"]
)


class Load(Strict):
    """A change of temperature from the stress-free one; of several, each is a load of its own from there."""

    stress_free_temperature: Celsius = Field(default=150.0, description="degC")
    temperature: Temperature = Field(
        default=25.0,
        description="degC, a list, { point_data = NAME } for a field of a mesh file, or heat: that of [heat]",
    )

    @field_validator("temperature")
    @classmethod
    def _each_once(cls, value: Temperature) -> Temperature:
        if isinstance(value, list) and len(set(value)) != len(value):
            raise ValueError("give each temperature once")
        return value

    @property
    def temperatures(self) -> tuple[float, ...]:
        """The temperatures of a list; none where there is but one load."""
        return tuple(self.temperature) if isinstance(self.temperature, list) else ()

    @property
    def shown(self) -> float | PointData | Literal["heat"]:
        """The temperature whose state fields and figures show: the last of a list."""
        return self.temperature[-1] if isinstance(self.temperature, list) else self.temperature


class ModelSpec(Strict):
    """Kinematics, cell wall and element."""

    kinematics: Kinematics = "axisymmetric"
    outer: Outer = "coupled"
    element: ElementName = Field(default="quad9", description="in 3D hex27 by default")
    cell: Literal["circular", "square", "hexagonal", "chip"] | None = Field(
        default=None, description="3d: outline of the cell (default circular); chip: the quarter of a square chip"
    )
    place: tuple[Positive, Positive] | None = Field(
        default=None, description="cell chip: where in the quarter the conductor stands, um from the chip's centre"
    )

    time_tolerance: Annotated[float, Field(ge=1.0e-8, le=0.1)] | None = Field(
        default=None, description="error of an increment in time of what flows, part of what it comes to; default 2e-4"
    )

    @field_validator("place", mode="before")
    @classmethod
    def _as_tuple(cls, value: Any) -> Any:
        return tuple(value) if isinstance(value, list) else value

    @property
    def dim(self) -> int:
        """Coordinates a point has."""
        return 3 if self.kinematics == "3d" else 2

    @model_validator(mode="after")
    def _of_one_dimension(self) -> ModelSpec:
        solid = not self.element.startswith(("quad", "tri"))
        if self.dim == 3 and not solid:
            if "element" in self.model_fields_set:
                raise ValueError(f"element: {self.element!r} is not for 3d; allowed: hex8, hex20, hex27, tet*, wedge*")
            self.__dict__["element"] = "hex27"
        if self.dim == 2:
            if solid:
                raise ValueError(f'element: {self.element!r} needs kinematics = "3d"')
            for key in ("cell", "place"):
                if getattr(self, key) is not None:
                    raise ValueError(f'{key}: needs kinematics = "3d"')
            if self.outer == "periodic":
                raise ValueError(
                    'outer: "periodic" needs kinematics = "3d"; in a plane "coupled" walls mirror the cell'
                )
        if (self.cell == "chip") != (self.place is not None):
            raise ValueError('place: goes with cell = "chip", which needs it')
        return self


class OwnModelSpec(ModelSpec):
    """As ModelSpec; a whole package or a user's own body has no cell wall unless it says so."""

    outer: Outer = "free"


#: element size at the roots (um) and growth in three dimensions, where the case gives none
SOLID_SIZE, SOLID_GROWTH = 0.5, 2.0


class MeshSpec(Refinement):
    """Element size at the roots and its growth away from them."""

    size: Annotated[float, Field(ge=1.0e-7, le=1.0e4)] = Field(
        default=0.01, description="element size at the roots, um"
    )
    growth: Annotated[float, Field(ge=1.05, le=4)] = Field(
        default=1.6, description="ratio of neighbouring elements away from the roots"
    )
    largest: Annotated[float, Field(gt=0, le=1.0e6)] | None = Field(
        default=None, description="largest element, um; default: none"
    )
    around: Annotated[int, Field(ge=8, le=1024)] | None = Field(
        default=None, description="3d: elements around a root circle (default 32)"
    )


class MeshFileSpec(Refinement):
    """A mesh file of the user's."""

    file: str = Field(min_length=1, description="path, relative to the case file; anything meshio reads")
    length_unit: Literal["nm", "um", "mm", "cm", "m", "inch"] = "um"


class MetricsSpec(Strict):
    """Averaging lengths at the roots."""

    length: Positive | list[Positive] | None = Field(
        default=None, description="averaging length(s) at the roots, um (default 5 and 1)"
    )
    thickness: Positive | None = Field(
        default=None,
        description="um of the layer of each root's conductor that averages of steps run over, from the interface",
    )

    @field_validator("length")
    @classmethod
    def _distinct(cls, value: float | list[float] | None) -> float | list[float] | None:
        if isinstance(value, list) and (not value or len(set(value)) != len(value)):
            raise ValueError("give at least one length, each once")
        return value


class Probe(Strict):
    """A point, or several, whose displacement and stress are reported."""

    name: str = Field(min_length=1)
    at: Place | Annotated[list[Vector], Field(min_length=1, max_length=1000)] = Field(
        description="a point, a list of points (up to 50 with their errors), or the name of one of the stack's"
    )
    region: str | None = Field(default=None, description="which side, where the point lies on an interface")
    angle: Annotated[float, Field(ge=-360, le=360)] = Field(default=0.0, description="degrees, beside [[harmonic]]")

    @field_validator("at", mode="before")
    @classmethod
    def _as_tuple(cls, value: Any) -> Any:
        if not isinstance(value, list) or not any(isinstance(one, list | tuple) for one in value):
            return tuple(value) if isinstance(value, list) else value
        for number, one in enumerate(value):
            numbers = isinstance(one, list | tuple) and all(type(v) in (int, float) for v in one)
            if not numbers or len(one) not in (2, 3):
                raise ValueError(f"entry {number} is not a point; in a list each is one, as [[10, 45], [20, 45]]")
        return [tuple(one) for one in value]

    @property
    def names(self) -> list[str]:
        """The name of each point: of a list ``row[0]``, ``row[1]`` ..."""
        return [f"{self.name}[{i}]" for i in range(len(self.at))] if isinstance(self.at, list) else [self.name]


class PartMaterial(NamedTuple):
    """The material that a part of a case (a block, a layer) names itself, and the key it stands under."""

    region: str
    key: str
    material: MaterialRef


class PathSpec(Strict):
    """A straight line along which displacement and stress are given, both sides of every interface told apart."""

    name: str = Field(min_length=1)
    start: list[Coordinate] = Field(min_length=2, max_length=3, description="um")
    end: list[Coordinate] = Field(min_length=2, max_length=3, description="um")
    region: str | None = Field(default=None, description="one side alone; default: all that it passes")
    n: Annotated[int, Field(ge=2, le=100_000)] = Field(default=200, description="even points; interfaces are added")
    angle: Annotated[float, Field(ge=-360, le=360)] = Field(default=0.0, description="degrees, beside [[harmonic]]")


class CaseBase(Strict):
    """What every case has. ``ROLES`` are the roles its materials may name, ``STANDARD`` those it takes where the case
    gives none, ``POINTS`` the named points that follow its geometry.
    """

    ROLES: ClassVar[tuple[str, ...]] = ()
    STANDARD: ClassVar[dict[str, str]] = {}
    POINTS: ClassVar[dict[str, str]] = {}

    name: str = Field(default="", description="defaults to the file's stem")
    materials: Materials = Field(default_factory=dict)
    load: Load = Field(default_factory=Load)
    model: ModelSpec = Field(default_factory=ModelSpec)
    mesh: MeshSpec = Field(default_factory=MeshSpec)
    metrics: MetricsSpec = Field(default_factory=MetricsSpec)
    probe: list[Probe] = Field(default_factory=list)
    path: list[PathSpec] = Field(default_factory=list)
    boundary: list[Boundary] = Field(default_factory=list)
    body: list[Body] = Field(default_factory=list)
    harmonic: list[Harmonic] = Field(default_factory=list)
    board: Board | None = None
    crack: list[CrackSpec] = Field(default_factory=list)
    corner: list[CornerSpec] = Field(default_factory=list)
    heat: Heat | None = None
    step: list[StepSpec] = Field(default_factory=list)
    cycle: CycleSpec | None = None
    life: list[LifeSpec] = Field(default_factory=list)
    uncertain: dict[str, Scatter] = Field(
        default_factory=dict,
        description='scatter for rank and compare --uncertain, as "materials.low.E" = [2.5, 3.5] or '
        '"geometry.high_thickness" = { sd = 0.5 }',
    )

    @model_validator(mode="before")
    @classmethod
    def _temperature_said_elsewhere(cls, data: Any) -> Any:
        """Beside steps, ``load.temperature`` may be left out; it then says where they end. In a sub-model too, whose
        temperature is that of the run it is cut out of.
        """
        if not isinstance(data, Mapping) or not (data.get("step") or data.get("cycle") or _is_cut_out(data)):
            return data
        load = data.get("load", {})
        if not isinstance(load, Mapping) or "temperature" in load or "stress_free_temperature" not in load:
            return data
        end = end_temperature(data.get("step"), data.get("cycle"))
        return {**data, "load": {**load, "temperature": load["stress_free_temperature"] if end is None else end}}

    @model_validator(mode="after")
    def _steps_and_life(self) -> CaseBase:
        names = [step.name for step in self.step]
        for name in names:
            if names.count(name) > 1:
                raise ValueError(f"step: two steps are named {name!r}")
        if self.life and self.cycle is None:
            raise ValueError("life: needs a [cycle]; damage is counted over its last one")
        for number, life in enumerate(self.life):
            if (
                life.engelmaier is not None
                and self.cycle is not None
                and not (self.cycle.dwell_low and self.cycle.dwell_high)
            ):
                raise ValueError(
                    f"life.{number}.engelmaier: its exponent needs cycle.dwell_low and dwell_high, both > 0 s"
                )
        return self

    @field_validator("uncertain", mode="before")
    @classmethod
    def _dotted(cls, value: Any) -> Any:
        return by_dotted_key(value)

    @model_validator(mode="after")
    def _heat_given(self) -> CaseBase:
        if self.heat is None and isinstance(self.load, StatedLoad) and "load" not in self.model_fields_set:
            raise ValueError("load: missing; give stress_free_temperature and temperature (degC)")
        if self.heat is None and self.load.temperature == "heat":
            raise ValueError('load.temperature: "heat" needs a [heat] table')
        return self

    @model_validator(mode="after")
    def _one_load_or_several(self) -> CaseBase:
        if not self.load.temperatures:
            return self
        if self.step or self.cycle:
            raise ValueError(
                "load.temperature: a list is of loads from the stress-free state; give a [[step]] each, or a [cycle]"
            )
        if any(boundary.from_ is not None for boundary in self.boundary):
            raise ValueError("load.temperature: a list; boundary.from takes over a run at one temperature")
        return self

    def at_temperature(self, temperature: float) -> Self:
        """The case with one load of its list."""
        load = self.load.model_copy()
        load.__dict__["temperature"] = temperature
        case = self.model_copy()
        case.__dict__["load"] = load
        return case

    def tables(self) -> dict[str, Any]:
        """What was given, and the name, which a file need not give."""
        return {"name": self.name, **super().tables()} if self.name else super().tables()

    def needed_roles(self) -> tuple[str, ...]:
        """Roles whose material the case must give."""
        return ()

    @model_validator(mode="after")
    def _of_one_dimension(self) -> CaseBase:
        dim, kinematics = self.model.dim, self.model.kinematics
        given: list[tuple[str, Any]] = []
        for number, probe in enumerate(self.probe):
            points = probe.at if isinstance(probe.at, list) else [probe.at]
            given += [(f"probe.{number}.at", point) for point in points]
        if kinematics != "axisymmetric" and any(boundary.centre is not None for boundary in self.boundary):
            raise ValueError(f"boundary.centre: needs model.kinematics = axisymmetric, not {kinematics}")
        given += [(f"corner.{number}.at", corner.at) for number, corner in enumerate(self.corner)]
        for number, boundary in enumerate(self.boundary):
            given += [(f"boundary.{number}.{key}", getattr(boundary, key)) for key in ("point", "traction", "force")]
        for number, body in enumerate(self.body):
            given += [(f"body.{number}.{key}", getattr(body, key)) for key in ("force", "acceleration")]
        for key, value in given:
            if isinstance(value, tuple) and len(value) != dim:
                raise ValueError(f"{key}: {len(value)} numbers; kinematics {kinematics} needs {dim}")
        if dim == 3:
            absent = {key: getattr(self, key) for key in ("crack", "corner", "harmonic", "board")}
            for key, there in {**absent, "mesh.tolerance": self.mesh.tolerance}.items():
                if there:
                    raise ValueError(f"{key}: not in three dimensions; use a plane or axisymmetric model")
            if isinstance(self.mesh, MeshSpec):
                fine = {"size": SOLID_SIZE, "growth": SOLID_GROWTH}
                self.mesh.__dict__.update({k: v for k, v in fine.items() if k not in self.mesh.model_fields_set})
        elif isinstance(self.mesh, MeshSpec) and self.mesh.around is not None:
            raise ValueError('mesh.around: needs kinematics = "3d"')
        if not self.harmonic and self.board is None and all(boundary.centre is None for boundary in self.boundary):
            angles = {f"probe.{k}": probe.angle for k, probe in enumerate(self.probe)}
            angles |= {f"path.{k}": path.angle for k, path in enumerate(self.path)}
            for key, angle in angles.items():
                if angle:
                    raise ValueError(f"{key}.angle: goes with [[harmonic]] or [board]; the case has none")
        return self

    def own_materials(self) -> list[PartMaterial]:
        """Materials that parts of the case name themselves."""
        return []

    def number(self, key: str) -> float | None:
        """The number under a dotted key, also one left at its default; None where there is none."""
        node: Any = self
        for part in key.split("."):
            if isinstance(node, BaseModel):
                fields = type(node).model_fields
                name = next((n for n, f in fields.items() if part == (f.alias or n)), None)
                node = None if name is None else getattr(node, name)
            elif isinstance(node, Mapping):
                node = node.get(part)
            elif isinstance(node, list | tuple):
                node = node[int(part)] if part.isdecimal() and int(part) < len(node) else None
            else:
                return None
        return float(node) if isinstance(node, int | float) and not isinstance(node, bool) else None

    @field_validator("boundary")
    @classmethod
    def _distinct_boundaries(cls, boundaries: list[Boundary]) -> list[Boundary]:
        names = [boundary.name for boundary in boundaries if boundary.name is not None]
        for name in names:
            if names.count(name) > 1:
                raise ValueError(f"two boundaries are named {name!r}")
        return boundaries

    @field_validator("probe", "path", "corner")
    @classmethod
    def _distinct_names(cls, entries: list[Any], info: ValidationInfo) -> list[Any]:
        names = [entry.name for entry in entries]
        names += [name for entry in entries if isinstance(entry, Probe) for name in entry.names if name != entry.name]
        for name in names:
            if names.count(name) > 1:
                raise ValueError(f"two {info.field_name}s are named {name!r}")
        return entries


class PackageMeshSpec(MeshSpec):
    """As MeshSpec; a package with many roots takes a coarser default."""

    size: Annotated[float, Field(ge=1.0e-7, le=1.0e4)] = Field(default=0.1, description="element size at the roots, um")
    growth: Annotated[float, Field(ge=1.05, le=4)] = Field(default=1.8, description="ratio of neighbouring elements")


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
    temperature: Temperature = Field(
        description="degC, a list, { point_data = NAME } for a field of a mesh file, or heat: that of [heat]"
    )


#: stands where a case with [heat] leaves [load] out; only heat can be solved then
NO_LOAD = StatedLoad(stress_free_temperature=25.0, temperature="heat")


def _is_cut_out(data: Mapping[str, Any]) -> bool:
    """Whether the tables of a file are those of a sub-model."""
    boundary = data.get("boundary")
    return isinstance(boundary, list) and any(isinstance(one, Mapping) and "from" in one for one in boundary)
