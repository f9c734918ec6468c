from femsim.base.errors import BeyondYield as BeyondYield
from femsim.base.errors import FemsimError as FemsimError
from femsim.base.errors import FemsimWarning as FemsimWarning
from femsim.base.errors import InputError as InputError
from femsim.base.errors import NumericsError as NumericsError
from femsim.base.errors import ToleranceError as ToleranceError
from femsim.face.case import Case as Case
from femsim.face.case import load as load
from femsim.face.compare import Comparison as Comparison
from femsim.face.compare import compare_cases as compare
from femsim.face.conduction import Conduction as Conduction
from femsim.face.conduction import conduct as conduct
from femsim.face.fields import Field as Field
from femsim.face.fields import Samples as Samples
from femsim.face.library import case_names as case_names
from femsim.face.library import material as material
from femsim.face.library import material_names as material_names
from femsim.face.library import read_mesh as read_mesh
from femsim.face.library import stack_names as stack_names
from femsim.face.rank import Ranking as Ranking
from femsim.face.rank import rank as rank
from femsim.face.result import Result as Result
from femsim.face.result import mesh as mesh
from femsim.face.result import solve as solve
from femsim.face.study import Dataset as Dataset
from femsim.face.study import sweep as sweep
from femsim.face.values import RootValues as RootValues
from femsim.face.values import Value as Value
from femsim.meshes.mesh import Mesh as Mesh
from femsim.models.kinematics import KINEMATICS as KINEMATICS
from femsim.models.loads import Load as Load
from femsim.models.model import Model as Model
from femsim.models.space import Constraints as Constraints
from femsim.models.space import Space as Space
from femsim.solvers.solve import solve as solve_model

__all__ = [
    "KINEMATICS",
    "BeyondYield",
    "Case",
    "Comparison",
    "Conduction",
    "Constraints",
    "Dataset",
    "FemsimError",
    "FemsimWarning",
    "Field",
    "InputError",
    "Load",
    "Mesh",
    "Model",
    "NumericsError",
    "Ranking",
    "Result",
    "RootValues",
    "Samples",
    "Space",
    "ToleranceError",
    "Value",
    "__version__",
    "case_names",
    "compare",
    "conduct",
    "load",
    "material",
    "material_names",
    "mesh",
    "rank",
    "read_mesh",
    "solve",
    "solve_model",
    "stack_names",
    "sweep",
]

__version__: str
