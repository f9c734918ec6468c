"""The boundary value problem: kinematics, space, loads, and the batch kernels that turn them into matrices and
forces.
"""
