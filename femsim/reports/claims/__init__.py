"""Pictures of the claims studies and of what a claim says."""
