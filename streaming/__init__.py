"""How it is delivered: Faust fed by partition slices, one transaction per slice."""
