"""What organisms do in a mission, whichever of them has it: health, collection, retirement."""
