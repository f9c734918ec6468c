"""Keys of a conductor built of layers through an insulating layer."""

from __future__ import annotations

from typing import Any, ClassVar, Literal

from pydantic import Field, model_validator

from femsim.cases.keys import Coordinate, Geometry, Positive, Strict
from femsim.cases.material import MaterialRef
from femsim.cases.parts import CaseBase, PartMaterial


class LayerSpecGeometry(Strict):
    """One layer of a conductor."""

    thickness: Positive
    radius: Positive
    offset: Coordinate = Field(default=0.0, description="lateral; needs a plane or 3D model")


class StaggeredGeometry(Geometry):
    """Cell of a conductor that is built of layers (the layers are ``[[layer]]`` entries)."""

    cell_radius: Positive = Field(default=150.0, description="radius (half width) of the cell around one conductor")
    chip_thickness: Positive = 300.0
    insulation_thickness: Positive | None = Field(
        default=None, description="protective insulating layer; as high as the conductor where not given"
    )


def check_layers(layers: list[Any], cell_radius: float, plane: bool) -> None:
    """Raise ValueError unless the layers stand on each other inside the cell; an offset needs a plane model."""
    for index, layer in enumerate(layers):
        if layer.offset and not plane:
            raise ValueError(
                f"layer.{index}.offset: {layer.offset:g} is not 0; an axisymmetric model has no lateral offset: "
                'use model.kinematics = "generalized-plane-strain" (cross-section), or offset = 0'
            )
        if abs(layer.offset) + layer.radius >= cell_radius:
            with_offset = f" + layer.{index}.offset ({abs(layer.offset):g})" if layer.offset else ""
            raise ValueError(
                f"layer.{index}.radius: {layer.radius:g}{with_offset} is not < geometry.cell_radius ({cell_radius:g})"
            )
        if index:
            below = layers[index - 1]
            apart = abs(layer.offset - below.offset)
            if apart >= layer.radius + below.radius:
                raise ValueError(
                    f"layer.{index}.offset: {layer.offset:g} does not stand on layer {index - 1} "
                    f"(layer.{index - 1}.offset {below.offset:g}, radii {below.radius:g} and {layer.radius:g})"
                )


class LayerSpec(LayerSpecGeometry):
    """One layer of a staggered conductor, from the chip outward."""

    material: MaterialRef


class StaggeredCase(CaseBase):
    """Stack ``staggered``: the second seed."""

    ROLES: ClassVar[tuple[str, ...]] = ("chip", "insulation")
    STANDARD: ClassVar[dict[str, str]] = {"chip": "silicon"}
    POINTS: ClassVar[dict[str, str]] = {
        "conductor_tip": "top of the outermost layer, at its middle",
        "chip_back": "back of the chip, on the axis",
    }
    stack: Literal["staggered"]
    geometry: StaggeredGeometry = Field(default_factory=StaggeredGeometry)
    layer: list[LayerSpec] = Field(min_length=1)

    def needed_roles(self) -> tuple[str, ...]:
        """The insulating layer; each conductor layer names its own."""
        return ("insulation",)

    def own_materials(self) -> list[PartMaterial]:
        """The conductor's layers."""
        return [PartMaterial(f"layer_{i + 1}", f"layer.{i}.material", one.material) for i, one in enumerate(self.layer)]

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
