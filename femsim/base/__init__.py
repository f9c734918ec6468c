"""What every other room stands on: errors, units, arrays, files that appear whole, threads, progress. It knows nothing
of mechanics.
"""
