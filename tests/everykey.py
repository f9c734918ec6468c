"""Small cases that together hold every key a case may have, and a study with every key of [study] and [rank]."""

from __future__ import annotations

FLOWING = """stack = "blocks"
name = "flowing"
[load]
stress_free_temperature = 150
temperature = 25
[model]
outer = "straight"
time_tolerance = 0.05
[mesh]
size = 20
growth = 2
largest = 50
[materials]
metal = { E = 110, nu = 0.34, cte = 17, yield = 300, strength = 400, hardness = 90, plastic = { yield = 180, \
isotropic = { linear = 100, voce = { Q = 50, b = 10 } }, kinematic = [{ C = 5000, gamma = 50 }], softening = false, \
valid = [0, 200] } }
gold = { E = 78, nu = 0.42, cte = 14, plastic = { isotropic = { table = { p = [0, 0.1], stress = [[100, 120], [80, \
90]], T = [25, 150] } } }, creep = { norton = { A = 1e-12, n = 3, Q = 5e4 } } }
tin = { E = 45, nu = 0.36, cte = 22, creep = { garofalo = { C1 = 1e5, C2 = 0.03, C3 = 5, C4 = 8000 } } }
lead = { E = 30, nu = 0.36, cte = 22, creep = { terms = [{ A = 1e-6, B = 3000, n = 3, sn = 10 }] } }
solder = { E = 45, nu = 0.36, cte = 22, anand = { A = 500, Q_R = 9000, xi = 7, m = 0.3, h0 = 3000, s_hat = 40, \
n = 0.03, a = 1.3, s0 = 30 } }
resin = { E = 3, nu = 0.35, cte = 40, viscoelastic = { shear = [[0.3, 10], [0.2, 1e3]], bulk = [[0.1, 5]], \
shift = { wlf = { C1 = 7, C2 = 52, reference = 100 } } } }
gel = { E = 1, nu = 0.4, cte = 40, viscoelastic = { bulk = [[0.3, 10.0]], shift = { arrhenius = { Q = 6e4, \
reference = 120 } } } }
glue = { E = 1, nu = 0.4, cte = 40, viscoelastic = { shear = [[0.3, 10.0]], shift = { table = { T = [25, 120], \
value = [8, 0] } } } }
sac = { like = "sac305", anand = "library", stress_free_temperature = 180 }
[[block]]
name = "chip"
r = [0, 100]
z = [-100, 0]
material = "silicon"
[[block]]
name = "post"
r = [0, 50]
z = [0, 30]
material = "metal"
[[block]]
name = "around"
r = [50, 100]
z = [0, 30]
material = "resin"
[[block]]
name = "cap"
r = [0, 100]
z = [30, 50]
material = "tin"
[[boundary]]
point = [0, -100]
u_z = 0
[[boundary]]
z = 50
r = [0, 50]
name = "press"
pressure = { steps = [0, 1, 2] }
[[boundary]]
z = -100
traction = [0, { t = [0, 10, 100], value = [0, 1, 1] }]
during = ["cure", "cover"]
[[step]]
name = "plate"
temperature = 25
add = ["post"]
eigenstrain = { post = { stress = 50 } }
[[step]]
name = "cure"
temperature = 150
duration = 600
add = ["around"]
eigenstrain = { around = -0.002 }
increments = 3
[[step]]
name = "cover"
temperature = 100
duration = 0
add = ["cap"]
remove = []
eigenstrain = { cap = [0.001, 0.001, 0.002] }
[cycle]
low = 0
high = 100
ramp = 60
dwell_low = 5
dwell_high = 5
count = 1
start = "low"
increments = 2
jump = 0.02
fields = [1]
[[life]]
region = "post"
thickness = 20
coffin_manson = { ef = 0.3, c = -0.6 }
engelmaier = 0.3
[[life]]
region = "cap"
darveaux = { K1 = 50000, K2 = -1.5, K3 = 3e-7, K4 = 1 }
syed_energy = 0.002
syed_strain = 0.05
crack_length = 50
[[root]]
name = "foot"
at = [50, 0]
region = "post"
"""
AROUND = """stack = "bilayer"
[load]
stress_free_temperature = 150
temperature = [-40, 25]
[materials]
post = "copper"
low = { E = 2.5, nu = 0.34, cte = 50, density = 1400 }
high = { like = "epoxy-high-elastic", density = 1900 }
chip = { E = [169, 169, 130], nu = [0.06, 0.28, 0.36], G = [51, 80, 80], cte = [2.6, 2.6, 2.6] }
[mesh]
size = 2
growth = 3
[metrics]
length = [5, 1]
thickness = 5
[[harmonic]]
n = 1
z = 90
r = [0, 50]
name = "push"
u_r = 0.01
u_t = -0.01
[[harmonic]]
n = 2
odd = true
r = 150
pressure = 1
[[harmonic]]
n = 0
odd = true
z = 90
traction = [0, 1, 0]
[[harmonic]]
n = 2
temperature = 5
[[probe]]
name = "wall"
at = [[50, 20], [50, 40]]
region = "post"
angle = 30
[[path]]
name = "middle"
start = [0, 45]
end = [150, 45]
region = "low"
n = 7
angle = 90
[[corner]]
name = "edge"
at = [50, 90]
region = "post"
[[crack]]
root = "post_root"
length = 2
[[body]]
region = "chip"
force = [0, 1e3]
[[body]]
region = "high"
acceleration = [0, 9.81]
[[body]]
region = "low"
rotation = 10
[uncertain]
"materials.low.E" = [2.5, 3.5]
"geometry.high_thickness" = { sd = 0.5 }
"geometry.post_radius" = { plus_minus = 1, lot = "separate" }
"materials.low.cte" = { percent = 10, lot = "shared" }
"materials.high.E" = { sd_percent = 5 }
"""
HEATED = """stack = "blocks"
[load]
stress_free_temperature = 25
temperature = "heat"
[model]
kinematics = "plane-strain"
element = "quad8"
[mesh]
size = 20
growth = 2
[materials]
metal = { like = "copper", conductivity = { T = [0, 100], value = [400, 390] }, density = 8900, heat_capacity = 385 }
[[block]]
name = "chip"
x = [0, 100]
y = [0, 50]
material = "silicon"
[[block]]
name = "base"
x = [0, 100]
y = [-50, 0]
material = "metal"
[[boundary]]
point = [0, -50]
u_x = 0
u_y = 0
[[boundary]]
x = 100
u_x = "equal"
force = 0.1
[[boundary]]
x = 0
u_x = 0
[heat]
ambient = 25
[[heat.source]]
name = "die"
y = 50
x = [0, 40]
power = { period = 0.01, duty = 0.5, value = 1e-3 }
[[heat.source]]
region = "base"
density = { t = [0, 1e-3], value = [0, 1e9] }
[[heat.boundary]]
name = "foot"
y = -50
h = 2e4
ambient = { t = [0, 1], value = [25, 30] }
[[heat.boundary]]
x = 100
y = [0, 50]
flux = 1e4
[[heat.boundary]]
x = 0
temperature = 30
[[heat.contact]]
between = ["chip", "base"]
resistance = 5
[heat.transient]
initial = 25
end = 0.001
times = [1e-4, 1e-3]
tolerance = 1e-2
step = 1e-4
"""
MIXED = """stack = "blocks"
[load]
stress_free_temperature = 150
temperature = 25
[model]
element = "quad9"
[mesh]
tolerance = 0.5
limit = 20000
goals = ["foot.peel.5um"]
[materials]
lamina = { composite = "laminate", angle = 30, layers = [{ material = "copper", thickness = 1 }, \
{ material = "polyimide", thickness = 2 }], hardness = 90, yield = 100, family = "resin" }
mix = { composite = "coated-spheres", matrix = "polyimide", particles = "silicon-dioxide", fraction = 0.3, \
coating = "copper", core_radius = 1, coating_thickness = 0.1 }
turned = { like = "silicon", euler = [10, 20, 30], family = "silicon" }
warm = { E = { T = [0, 100], value = [100, 90] }, nu = 0.3, cte = { secant = { T = [0, 100], value = [10, 12] }, \
reference = 25 } }
hot = { E = 10, nu = 0.3, cte = { instantaneous = { T = [0, 1], value = [1, 2] } } }
[[block]]
name = "a"
r = [0, 50]
z = [0, 20]
material = "mix"
[[block]]
name = "b"
r = [50, 100]
z = [0, 20]
material = "lamina"
[[block]]
name = "c"
r = [0, 100]
z = [-20, 0]
material = "turned"
[[boundary]]
z = -20
u_z = 0
[[root]]
name = "foot"
at = [50, 0]
region = "a"
"""
MOVED = """stack = "bilayer"
[geometry]
post_radius = 50
pad_radius = 60
pad_thickness = 1
low_thickness = 72
high_thickness = 18
slope_height = 5
slope_width = 3
ball_height = 20
[load]
stress_free_temperature = 150
temperature = 25
[materials]
post = "copper"
pad = "aluminium"
ball = "sac305"
low = { E = 2.5, nu = 0.34, cte = 50 }
high = "epoxy-high-elastic"
[mesh]
size = 2
growth = 3
[board]
shift = 0.1
tilt = 1e-4
twist = 1e-4
[[harmonic]]
n = 2
point = [50, 90]
u_r = 0.1
"""
SPUN = """stack = "blocks"
[load]
stress_free_temperature = 150
temperature = 25
[mesh]
size = 8
growth = 3
[[block]]
name = "a"
r = [0, 50]
z = [0, 20]
material = "copper"
[[block]]
name = "b"
r = [50, 100]
z = [0, 20]
material = "polyimide"
[[harmonic]]
z = 0
tilt = 1e-4
[[harmonic]]
z = 20
shift = 0.1
[[harmonic]]
z = 0
twist = 1e-4
[[harmonic]]
n = 2
r = 100
u_z = "straight"
[[boundary]]
z = 0
u_z = 0
"""
SOLID = """stack = "bilayer"
[model]
kinematics = "3d"
cell = "chip"
place = [75, 80]
[mesh]
size = 8
growth = 3
around = 16
[materials]
post = "copper"
low = { E = 2.5, nu = 0.34, cte = 50 }
high = "epoxy-high-elastic"
"""
STUDY = """case = "bilayer"
name = "ranked"
[study]
design = "sobol"
samples = 4
seed = 3
method = "reduced"
tolerance = 0.01
certify = 2
set = ["mesh.size=2", "mesh.growth=3"]
outputs = ["post_root.peel.5um", "post_root.von_mises.1um"]
[[parameter]]
key = "geometry.high_thickness"
distribution = "triangular"
range = [14, 22]
mode = 16
label = "resin"
[[parameter]]
key = "materials.low.E"
range = [2, 3]
[[window]]
key = "geometry.low_thickness / geometry.high_thickness"
range = [3, 8]
label = "ratio"
[optimise]
minimise = "post_root.von_mises.1um"
signed = false
evaluations = 10
[[optimise.limit]]
output = "post_root.peel.5um"
min = -200
max = 200
[rank]
output = "post_root.peel.5um"
lots = "shared"
draws = 1000
limit = 100
percentile = 95
[rank.uncertain]
"materials.low.E" = [2.5, 3.5]
"geometry.post_radius" = { sd_percent = 1, lot = "separate" }
[[rank.design]]
name = "thin"
values = { "geometry.high_thickness" = 16 }
[[rank.design]]
name = "thick"
values = { geometry = { high_thickness = 18 } }
"""
CASES = {
    "flowing": FLOWING, "around": AROUND, "heated": HEATED, "mixed": MIXED, "moved": MOVED, "spun": SPUN,
    "solid": SOLID,
}  # fmt: skip
